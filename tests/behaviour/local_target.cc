#include "behaviour/local_target.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "behaviour/temporary_directory.h"

namespace chroma::behaviour {
namespace {

constexpr size_t kBodyBytesMax = 41'943'040;  // the server's default

http::Request RequestOf(const Question& question) {
  http::Request request;
  request.method = http::ParseMethod(question.method);
  request.method_token = question.method;
  request.target = question.path;
  request.headers = question.headers;
  request.headers.emplace_back("host", "localhost");
  if (question.body) {
    request.headers.emplace_back("content-length", std::to_string(question.body->size()));
    request.body = *question.body;
  }
  return request;
}

Answer AnswerOf(http::Response response, bool is_head) {
  Answer answer;
  answer.status = response.status;
  answer.headers = std::move(response.headers);
  answer.headers.emplace_back("content-length", std::to_string(response.body.size()));
  if (!is_head) answer.body = std::move(response.body);
  return answer;
}

bool IsRecordWrite(const Question& question) {
  constexpr std::string_view kWrites[] = {"/add", "/update", "/upsert", "/delete"};
  return question.method == "POST" &&
         std::any_of(std::begin(kWrites), std::end(kWrites),
                     [&](std::string_view write) { return question.path.ends_with(write); });
}

}  // namespace

const std::string* Answer::Header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

LocalTarget::LocalTarget(LocalSetting setting) : setting_(setting) {
  if (setting_.on_disk) directory_ = MakeTemporaryDirectory("behaviour");
  Reopen();
}

LocalTarget::~LocalTarget() {
  gateway_.reset();
  service_.reset();
  if (!directory_.empty()) RemoveTemporaryDirectory(directory_);
}

void LocalTarget::Reopen() {
  gateway_.reset();
  service_.reset();
  service::LocalOptions options;
  options.path = directory_;
  options.engine.allow_reset = setting_.allow_reset;
  Result<std::unique_ptr<service::LocalService>> opened =
      service::LocalService::Open(runtime::Env(), options);
  if (!opened.ok()) throw std::runtime_error("open: " + opened.status().ToString());
  service_ = *std::move(opened);
  gateway_ = std::make_unique<gateway::Gateway>(service_->engine(), gateway::GatewayOptions());
}

Answer LocalTarget::Ask(const Question& question) {
  http::Request request = RequestOf(question);
  const bool is_head = question.method == "HEAD";
  if (std::optional<http::Response> refused = gateway_->OnHeader(request)) {
    return AnswerOf(*std::move(refused), is_head);
  }
  if (request.body.size() > kBodyBytesMax) {
    return AnswerOf(gateway_->BodyTooLarge(request), is_head);
  }
  runtime::Context ctx;
  Answer answer = AnswerOf(gateway_->Handle(std::move(request), ctx), is_head);
  if (setting_.compact_after_write && IsRecordWrite(question) && answer.status < 300) {
    CompactTarget(question.path);
  }
  if (setting_.reopen_after_request) Reopen();
  return answer;
}

void LocalTarget::CompactTarget(const std::string& path) {
  const size_t end = path.rfind('/');
  const size_t begin = path.rfind('/', end - 1) + 1;
  const std::optional<Uuid> collection = Uuid::Parse(path.substr(begin, end - begin));
  runtime::Context ctx;
  const Status compacted = service_->Compact(ctx, collection.value());
  if (!compacted.ok()) throw std::runtime_error("compact: " + compacted.ToString());
}

}  // namespace chroma::behaviour
