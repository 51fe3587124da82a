#include "http/connection.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "http/loop.h"
#include "http/response_head.h"
#include "runtime/fork.h"
#include "runtime/log.h"

namespace chroma::http {

namespace {

using Outcome = Transport::Outcome;

// As much as one read of a head takes; what of a body comes with it is copied once.
constexpr size_t kHeadReadBytes = 16 << 10;
// Bytes one connection may read before the others get their turn.
constexpr size_t kTurnBytes = 1 << 20;
// A body this large is read to its end to keep the connection; for a larger one it is closed.
constexpr uint64_t kDiscardToKeepBytes = 1 << 20;
// What a peer must send of a body to get another body_timeout.
constexpr uint64_t kBodyProgressBytes = 16 << 10;
constexpr uint64_t kLingerProgressBytes = 1 << 20;
constexpr int64_t kLingerNsMax = 60 * runtime::kSecond;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Exchange::Run(Handler& handler) {
  try {
    try {
      response = handler.Handle(std::move(parsed.request), context);
    } catch (const std::bad_alloc&) {
      response = handler.Overloaded(parsed.request);
    } catch (const std::exception& e) {
      response = handler.InternalError(parsed.request, e.what());
    } catch (...) {
      response = handler.InternalError(parsed.request, "not a std::exception");
    }
  } catch (...) {
    response = Response{503, {}, {}};  // not even memory for an error
  }
  parsed.request.body = std::string();
  body.GiveBack();
}

bool Exchange::TryRun(Handler& handler) {
  try {
    std::optional<Response> answer = handler.TryHandle(parsed.request, context);
    if (!answer) return false;
    response = *std::move(answer);
  } catch (...) {
    return false;  // Run meets it again, and answers
  }
  parsed.request.body = std::string();
  body.GiveBack();
  return true;
}

void Exchange::Frame(bool keep, std::string_view date) {
  keep_alive = keep && parsed.keep_alive;
  const ResponseFraming framing{head_request, keep_alive, version};
  out.head = FormatResponseHead(response, framing, date);
  if (SendsBody(response, framing)) out.body = std::move(response.body);
}

Outcome Outgoing::WriteTo(Transport& transport) {
  while (!done()) {
    const size_t of_head = std::min(written_bytes, head.size());
    const Transport::Progress put =
        transport.Write(std::string_view(head).substr(of_head),
                        std::string_view(body).substr(written_bytes - of_head));
    if (put.outcome != Outcome::kSome) return put.outcome;
    written_bytes += put.bytes;
  }
  return Outcome::kSome;
}

Connection::Connection(Core& core, Loop& loop, int fd, std::string remote)
    : core_(core),
      loop_(loop),
      descriptor_(loop.io(), fd),
      transport_(fd),
      remote_(std::move(remote)) {}

Connection::~Connection() {
  CloseDescriptor();
}

void Connection::CloseDescriptor() {
  if (!descriptor_.is_open()) return;
  const runtime::NoFork no_fork;
  runtime::ForgetDescriptor(descriptor_.native_handle());
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

// Nothing that goes wrong with one connection reaches the loop.
template <typename Step>
void Connection::Guarded(Step step) {
  try {
    step();
    return;
  } catch (const std::exception& e) {
    runtime::Log(runtime::LogLevel::kError, "connection dropped by an exception",
                 {{"remote", remote_}, {"what", e.what()}});
  } catch (...) {
    runtime::Log(runtime::LogLevel::kError, "connection dropped by an exception",
                 {{"remote", remote_}});
  }
  Close();
}

void Connection::Start(bool refuse) {
  Guarded([&] {
    if (refuse) {
      linger_after_ = true;
      Respond(core_.handler.Overloaded(RequestHead()));
    } else {
      BecomeIdle();
    }
    Wait();
  });
}

void Connection::BeginDrain() {
  Guarded([&] {
    // A request that is already in the kernel's buffer is still served.
    if (state_ == State::kIdle && transport_.Peek().outcome != Outcome::kSome) Close();
    if (state_ == State::kDiscarding) Close();
  });
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  if (exchange_ != nullptr) exchange_->context.Cancel();
  if (state_ == State::kRunning) {
    // The worker still holds the descriptor; ~Connection closes it.
    boost::system::error_code ignored;
    descriptor_.cancel(ignored);
    transport_.ShutDown();
  } else {
    CloseDescriptor();
  }
  state_ = State::kClosed;
  exchange_.reset();
  Unlink();
  loop_.Release(*this);
}

void Connection::OnDeadline() {
  const std::shared_ptr<Connection> self = shared_from_this();
  Guarded([&] {
    switch (state_) {
      case State::kHead:
      case State::kBody:
        RefuseBytes(408);
        Wait();
        break;
      case State::kWriting:
        transport_.ResetOnClose();
        Close();
        break;
      case State::kIdle:
      case State::kDiscarding:
      case State::kLingering:
        Close();
        break;
      case State::kRunning:
      case State::kClosed:
        break;
    }
  });
}

// ---- Waiting ----

void Connection::Wait() {
  switch (state_) {
    case State::kIdle:
    case State::kHead:
    case State::kBody:
    case State::kDiscarding:
    case State::kLingering:
      WaitReadable();
      break;
    case State::kRunning:
      // Pipelined input hides the peer's end; it then counts as present.
      if (watches_peer_ && pending_.empty()) WaitReadable();
      break;
    case State::kWriting:
    case State::kClosed:
      break;
  }
}

void Connection::WaitReadable() {
  if (waits_readable_) return;
  waits_readable_ = true;
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           self->waits_readable_ = false;
                           if (error) return;
                           self->Guarded([&] { self->OnReadable(); });
                         });
}

void Connection::WaitWritable() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (error) return;
                           self->Guarded([&] {
                             self->Flush();
                             self->ConsumePending();
                             self->Wait();
                           });
                         });
}

void Connection::OnReadable() {
  switch (state_) {
    case State::kIdle:
    case State::kHead:
    case State::kDiscarding:
      ReadInput();
      break;
    case State::kBody:
      exchange_->parsed.chunked ? ReadInput() : ReadBody();
      break;
    case State::kRunning:
      WatchPeer();
      break;
    case State::kLingering:
      Discard();
      break;
    case State::kWriting:  // not now; Wait asks again
    case State::kClosed:
      break;
  }
  Wait();
}

// ---- Input ----

void Connection::ReadInput() {
  std::span<char> scratch = loop_.scratch();
  if (state_ == State::kIdle || state_ == State::kHead) scratch = scratch.first(kHeadReadBytes);
  const Transport::Progress got = transport_.Read(scratch.data(), scratch.size());
  if (got.outcome == Outcome::kBlocked) return;
  if (got.outcome != Outcome::kSome) return Close();
  const std::string_view in(scratch.data(), got.bytes);
  if (pending_.empty()) {
    pending_.assign(in.substr(Consume(in)));
  } else {
    pending_.append(in);
    ConsumePending();
  }
  if (state_ == State::kBody && !exchange_->parsed.chunked) ReadBody();
}

void Connection::ConsumePending() {
  if (pending_.empty()) return;
  pending_.erase(0, Consume(pending_));
  if (pending_.empty()) pending_ = std::string();
}

// Takes as many bytes from the front of `in` as the state allows, and returns how many.
size_t Connection::Consume(std::string_view in) {
  size_t used = 0;
  bool more = true;
  while (more) {
    std::string_view rest = in.substr(used);
    switch (state_) {
      case State::kIdle:
        // RFC 9112 §2.2: empty lines before a request are ignored.
        used += std::min(rest.find_first_not_of("\r\n"), rest.size());
        more = used < in.size();
        if (more) state_ = State::kHead;
        break;
      case State::kHead:
        more = ConsumeHead(rest, used);
        break;
      case State::kBody:
        ConsumeBody(rest, used);
        more = state_ != State::kBody;
        break;
      case State::kDiscarding: {
        const auto n = static_cast<size_t>(std::min<uint64_t>(rest.size(), discard_bytes_));
        discard_bytes_ -= n;
        used += n;
        more = discard_bytes_ == 0;
        if (more) BecomeIdle();
        break;
      }
      case State::kLingering:
      case State::kClosed:
        return in.size();
      case State::kRunning:
      case State::kWriting:
        return used;
    }
  }
  return used;
}

// False when the head is not complete.
bool Connection::ConsumeHead(std::string_view in, size_t& used) {
  const bool first_look = head_scanned_bytes_ == 0;
  const HeadEnd end = FindHeadEnd(in, head_scanned_bytes_);
  const size_t size_bytes = end.kind == HeadEnd::Kind::kFound ? end.size_bytes : in.size();
  if (size_bytes > core_.options.header_bytes_max) {
    RefuseBytes(431);
    return true;
  }
  if (end.kind == HeadEnd::Kind::kInvalid) {
    RefuseBytes(400);
    return true;
  }
  if (end.kind == HeadEnd::Kind::kNeedMore) {
    if (first_look) loop_.ArmDeadline(*this, WaitKind::kHead);
    return false;
  }
  head_scanned_bytes_ = 0;
  Unlink();
  exchange_ = std::make_shared<Exchange>(core_);
  if (const int status = ParseHead(in.substr(0, size_bytes), exchange_->parsed); status != 0) {
    RefuseBytes(status);
    return true;
  }
  used += size_bytes;
  BeginRequest(size_bytes < in.size());
  return true;
}

void Connection::ConsumeBody(std::string_view in, size_t& used) {
  if (exchange_->parsed.chunked) return ConsumeChunked(in, used);
  const uint64_t size_bytes = exchange_->parsed.content_length;
  while (!in.empty() && exchange_->body.filled_bytes() < size_bytes) {
    const std::span<char> room = exchange_->body.Room(size_bytes);
    if (room.empty()) return RefuseOverloaded();
    const size_t n = std::min(room.size(), in.size());
    std::copy_n(in.data(), n, room.data());
    exchange_->body.Commit(n);
    in.remove_prefix(n);
    used += n;
  }
  exchange_->body.filled_bytes() == size_bytes ? Dispatch() : BodyProgressed();
}

void Connection::ConsumeChunked(std::string_view in, size_t& used) {
  const size_t before = in.size();
  while (true) {
    std::string_view piece;
    const ChunkedDecoder::State decoded = exchange_->decoder.Decode(in, piece);
    if (decoded == ChunkedDecoder::State::kInvalid) return RefuseBytes(400);
    if (decoded == ChunkedDecoder::State::kNeedMore) break;
    if (decoded == ChunkedDecoder::State::kDone) {
      used += before - in.size();
      return Dispatch();
    }
    if (exchange_->body.filled_bytes() + piece.size() > core_.options.body_bytes_max) {
      return RefuseTooLarge();
    }
    if (!exchange_->body.Append(piece)) return RefuseOverloaded();
  }
  used += before;
  BodyProgressed();
}

void Connection::ReadBody() {
  const uint64_t size_bytes = exchange_->parsed.content_length;
  for (size_t turn_bytes = 0; turn_bytes < kTurnBytes;) {
    const std::span<char> room = exchange_->body.Room(size_bytes);
    if (room.empty()) return RefuseOverloaded();
    const Transport::Progress got = transport_.Read(room.data(), room.size());
    if (got.outcome == Outcome::kBlocked) break;
    if (got.outcome != Outcome::kSome) return Close();
    exchange_->body.Commit(got.bytes);
    turn_bytes += got.bytes;
    if (exchange_->body.filled_bytes() == size_bytes) return Dispatch();
    if (got.bytes < room.size()) break;  // the kernel has no more now
  }
  BodyProgressed();
}

// Slow is allowed, slower than kBodyProgressBytes per body_timeout is not.
void Connection::BodyProgressed() {
  if (exchange_->body.filled_bytes() < progress_bytes_ + kBodyProgressBytes) return;
  progress_bytes_ = exchange_->body.filled_bytes();
  loop_.ArmDeadline(*this, WaitKind::kBody);
}

void Connection::Discard() {
  const std::span<char> scratch = loop_.scratch();
  for (size_t turn_bytes = 0; turn_bytes < kTurnBytes;) {
    const Transport::Progress got = transport_.Read(scratch.data(), scratch.size());
    if (got.outcome == Outcome::kBlocked) break;
    if (got.outcome != Outcome::kSome) return Close();
    turn_bytes += got.bytes;
    discard_bytes_ += got.bytes;
  }
  if (discard_bytes_ > core_.options.discard_bytes_max) return Close();
  if (discard_bytes_ < progress_bytes_ + kLingerProgressBytes) return;
  if (core_.env.clock->MonotonicNs() - phase_began_ns_ > kLingerNsMax) return Close();
  progress_bytes_ = discard_bytes_;
  loop_.ArmDeadline(*this, WaitKind::kLinger);
}

// Something happened to the peer's side while its request runs.
void Connection::WatchPeer() {
  const Transport::Progress got = transport_.Peek();
  if (got.outcome == Outcome::kBlocked) return;
  watches_peer_ = false;
  if (got.outcome == Outcome::kFailed) return Close();
  if (got.outcome == Outcome::kSome) return;  // the next request
  const int64_t ran_ns = core_.env.clock->MonotonicNs() - phase_began_ns_;
  if (ran_ns > core_.options.half_close_grace_ms * runtime::kMillisecond) {
    exchange_->context.Cancel();
  }
}

// ---- Requests ----

void Connection::BeginRequest(bool input_follows) {
  ParsedHead& parsed = exchange_->parsed;
  parsed.request.remote = remote_;
  exchange_->head_request = parsed.request.method == Method::kHead;
  exchange_->version = parsed.request.version;
  state_ = State::kBody;
  progress_bytes_ = 0;
  std::optional<Response> early;
  try {
    early = core_.handler.OnHeader(parsed.request);
  } catch (const std::exception& e) {
    early = core_.handler.InternalError(parsed.request, e.what());
  }
  if (early.has_value()) return Refuse(*std::move(early));
  if (parsed.content_length > core_.options.body_bytes_max) return RefuseTooLarge();
  if (!parsed.has_body()) return Dispatch();
  loop_.ArmDeadline(*this, WaitKind::kBody);
  if (parsed.expects_continue && !input_follows) {
    // 25 bytes: where they do not fit into the socket, the peer has stopped reading long ago.
    if (transport_.Write(kContinue, {}).bytes < kContinue.size()) return Close();
    parsed.expects_continue = false;
  }
}

void Connection::Dispatch() {
  Unlink();
  state_ = State::kRunning;
  watches_peer_ = true;
  Request& request = exchange_->parsed.request;
  request.body = exchange_->body.Take();
  phase_began_ns_ = core_.env.clock->MonotonicNs();
  if (AnswerInline()) return Respond(std::move(exchange_->response));
  const auto run = [self = shared_from_this(), run = exchange_] {
    self->RunAndSend(*run);
    self->loop_.Post([self, run] { self->OnAnswer(run); });
  };
  bool queued = false;
  if (request.body.size() <= core_.options.inline_body_bytes_max) {
    queued = core_.workers.TrySubmit(run);
  } else {
    queued = core_.long_workers.TrySubmit([env = core_.env, run] {
      const runtime::LongWork work(*env.scheduler, env.clock->MonotonicNs());
      run();
    });
  }
  if (!queued) Respond(core_.handler.Overloaded(request));
}

bool Connection::AnswerInline() {
  const Request& request = exchange_->parsed.request;
  if (request.body.size() > core_.options.inline_body_bytes_max) return false;
  if (core_.handler.IsQuick(request)) {
    exchange_->Run(core_.handler);
    return true;
  }
  core_.env.scheduler->NoteShort(phase_began_ns_);
  InlineBudget& budget = loop_.inline_budget();
  if (!budget.Allows(phase_began_ns_)) return false;
  const bool answered = exchange_->TryRun(core_.handler);
  budget.Spend(phase_began_ns_, core_.env.clock->MonotonicNs());
  return answered;
}

void Connection::RunAndSend(Exchange& exchange) {
  exchange.Run(core_.handler);
  try {
    const int64_t now_unix_seconds = core_.env.clock->UnixNs() / runtime::kSecond;
    exchange.Frame(!core_.draining.load(std::memory_order_relaxed), FormatDate(now_unix_seconds));
  } catch (const std::bad_alloc&) {
    exchange.out = Outgoing();  // OnAnswer closes
    return;
  }
  exchange.out.WriteTo(transport_);  // a failure shows again on the loop
}

void Connection::OnAnswer(const std::shared_ptr<Exchange>& exchange) {
  if (state_ != State::kRunning || exchange != exchange_) return;
  Guarded([&] {
    if (exchange->out.head.empty()) return Close();
    close_after_ = !exchange->keep_alive;
    Send(std::move(exchange->out));
    ConsumePending();
    Wait();
  });
}

void Connection::Refuse(Response response) {
  const ParsedHead& parsed = exchange_->parsed;
  const uint64_t left_bytes = parsed.content_length - exchange_->body.filled_bytes();
  // After "expect: 100-continue" and a refusal nobody knows whether the body will come.
  const bool keep = !parsed.chunked && (left_bytes == 0 || !parsed.expects_continue) &&
                    left_bytes <= kDiscardToKeepBytes;
  discard_bytes_ = keep ? left_bytes : 0;
  if (!keep) close_after_ = linger_after_ = true;
  exchange_->body.GiveBack();
  Respond(std::move(response));
}

void Connection::RefuseTooLarge() {
  Refuse(core_.handler.BodyTooLarge(exchange_->parsed.request));
}

void Connection::RefuseOverloaded() {
  Refuse(core_.handler.Overloaded(exchange_->parsed.request));
}

void Connection::RefuseBytes(int status) {
  close_after_ = linger_after_ = true;
  Respond(core_.handler.ProtocolError(status));
}

// ---- Output ----

void Connection::Respond(Response response) {
  if (exchange_ == nullptr) {
    // Of bytes that are no request.
    exchange_ = std::make_shared<Exchange>(core_);
    close_after_ = true;
  }
  if (core_.draining.load(std::memory_order_relaxed)) close_after_ = true;
  exchange_->response = std::move(response);
  exchange_->Frame(!close_after_, loop_.Date());
  close_after_ = !exchange_->keep_alive;
  Send(std::move(exchange_->out));
}

void Connection::Send(Outgoing out) {
  out_ = std::move(out);
  state_ = State::kWriting;
  loop_.ArmDeadline(*this, WaitKind::kWrite);
  Flush();
}

void Connection::Flush() {
  if (state_ != State::kWriting) return;
  const size_t before_bytes = out_.written_bytes;
  const Outcome outcome = out_.WriteTo(transport_);
  if (out_.done()) return FinishResponse();
  if (outcome != Outcome::kBlocked) return Close();
  if (out_.written_bytes > before_bytes) loop_.ArmDeadline(*this, WaitKind::kWrite);
  WaitWritable();
}

void Connection::FinishResponse() {
  out_ = Outgoing();
  exchange_.reset();
  Unlink();
  if (close_after_) {
    const bool input_left = !pending_.empty() || transport_.Peek().outcome == Outcome::kSome;
    return linger_after_ || input_left ? Linger() : Close();
  }
  if (discard_bytes_ == 0) return BecomeIdle();
  state_ = State::kDiscarding;
  loop_.ArmDeadline(*this, WaitKind::kBody);
}

void Connection::Linger() {
  transport_.FinishWriting();
  state_ = State::kLingering;
  discard_bytes_ = progress_bytes_ = 0;
  phase_began_ns_ = core_.env.clock->MonotonicNs();
  loop_.ArmDeadline(*this, WaitKind::kLinger);
}

void Connection::BecomeIdle() {
  if (core_.draining.load(std::memory_order_relaxed)) return Close();
  state_ = State::kIdle;
  head_scanned_bytes_ = 0;
  loop_.ArmDeadline(*this, WaitKind::kKeepAlive);
}

}  // namespace chroma::http
