// A server behind a TCP port of this machine, spoken to over one kept connection.
#pragma once

#include <cstdint>
#include <string>

#include "behaviour/target.h"

namespace chroma::behaviour {

class HttpTarget : public Target {
 public:
  explicit HttpTarget(uint16_t port) : port_(port) {}
  ~HttpTarget() override { Close(); }

  // Status 0 when no whole answer came.
  Answer Ask(const Question& question) override;

 private:
  bool Connect();
  void Close();
  bool SendAll(const std::string& bytes);
  // Appends what arrives to received_; false at the end of the stream.
  bool ReceiveMore();
  Answer ReadAnswer(bool is_head);

  uint16_t port_;
  int socket_ = -1;
  std::string received_;
};

}  // namespace chroma::behaviour
