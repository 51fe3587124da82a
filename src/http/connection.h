// One connection: a state machine that runs on its loop's thread. It never blocks, never holds a
// buffer while idle, and reads the next request only when the one before has been answered, so
// that a peer that sends faster than it is served is slowed down by TCP.
//
//   idle → head → body → running → writing → idle …     (a request that is kept)
//                            any  → writing → lingering → closed   (the last answer)
//
// The worker that made an answer also sends what the socket takes at once, which saves the peer
// one wake-up of this thread; the rest, and all that follows, is done here. That is why the socket
// of a connection that ends while its request runs is shut down now and closed after the answer.
//
// Lingering reads and drops what the peer still sends: closing a socket with unread bytes makes
// the kernel send a reset, which can destroy an answer that the peer has not read yet.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/core.h"
#include "http/deadlines.h"
#include "http/head_parser.h"
#include "http/transport.h"

namespace chroma::http {

class Loop;

// A response on its way out.
struct Outgoing {
  std::string head;
  std::string body;
  size_t written_bytes = 0;

  bool done() const { return written_bytes == head.size() + body.size(); }
  // Until it is done (kSome), blocked or failed.
  Transport::Outcome WriteTo(Transport& transport);
};

// One request and its answer. Owned by the connection and, while it runs, by the worker.
struct Exchange {
  explicit Exchange(Core& core)
      : body(core.body_budget),
        context(*core.env.clock, core.RequestDeadlineNs(), &core.answer_budget, &core.long_waits) {}
  // Calls the handler; every exception becomes a response.
  void Run(Handler& handler);
  // False when the handler leaves the request to Run.
  bool TryRun(Handler& handler);
  // Frames `response` into `out`; `keep` says whether another request may follow.
  void Frame(bool keep, std::string_view date);

  ParsedHead parsed;
  bool head_request = false;  // kept here: the handler takes the request
  int version = 11;
  BodyBuffer body;
  ChunkedDecoder decoder;
  runtime::Context context;
  Response response;
  bool keep_alive = true;
  Outgoing out;
};

class Connection final : public DeadlineNode, public std::enable_shared_from_this<Connection> {
 public:
  // Owns `fd`. `core` and `loop` outlive it.
  Connection(Core& core, Loop& loop, int fd, std::string remote);
  ~Connection();

  // `refuse`: there is no place for it; it gets one answer and is closed.
  void Start(bool refuse);
  void BeginDrain();
  void OnDeadline();
  // At once, without an answer; a running request is cancelled.
  void Close();

 private:
  enum class State : uint8_t {
    kIdle,
    kHead,
    kBody,
    kRunning,
    kWriting,
    kDiscarding,  // the rest of a body whose request was answered early; then idle
    kLingering,
    kClosed,
  };

  template <typename Step>
  void Guarded(Step step);
  void CloseDescriptor();

  // Waiting. At most one wait for reading is outstanding.
  void Wait();
  void WaitReadable();
  void WaitWritable();
  void OnReadable();

  // Input.
  void ReadInput();
  void ConsumePending();
  size_t Consume(std::string_view in);
  bool ConsumeHead(std::string_view in, size_t& used);
  void ConsumeBody(std::string_view in, size_t& used);
  void ConsumeChunked(std::string_view in, size_t& used);
  void ReadBody();
  void BodyProgressed();
  void Discard();
  void WatchPeer();

  // Requests.
  void BeginRequest(bool input_follows);
  void Dispatch();
  // False when a worker has to answer.
  bool AnswerInline();
  // On a worker.
  void RunAndSend(Exchange& exchange);
  void OnAnswer(const std::shared_ptr<Exchange>& exchange);
  // Answers a request whose body has not been read to its end.
  void Refuse(Response response);
  void RefuseBytes(int status);
  void RefuseTooLarge();
  void RefuseOverloaded();

  // Output.
  void Respond(Response response);
  void Send(Outgoing out);
  void Flush();
  void FinishResponse();
  void Linger();
  void BecomeIdle();

  Core& core_;
  Loop& loop_;
  boost::asio::posix::stream_descriptor descriptor_;
  Transport transport_;
  const std::string remote_;

  State state_ = State::kIdle;
  bool waits_readable_ = false;
  bool watches_peer_ = true;   // while running; false once its closing means nothing more
  bool close_after_ = false;   // the response being written is the last
  bool linger_after_ = false;  // and the peer may still be sending
  size_t head_scanned_bytes_ = 0;
  uint64_t discard_bytes_ = 0;   // still to come of a body that nobody wants; when lingering: seen
  uint64_t progress_bytes_ = 0;  // of the body, or discarded, when the deadline was armed last
  int64_t phase_began_ns_ = 0;   // when the request started to run, or lingering began
  std::string pending_;          // input that could not be consumed yet
  std::shared_ptr<Exchange> exchange_;
  Outgoing out_;
};

}  // namespace chroma::http
