#include "chroma/status.h"

#include <gtest/gtest.h>

#include <memory>

namespace chroma {
namespace {

Status Fail(bool fail) {
  return fail ? Status::Aborted("lost") : Status::Ok();
}
Result<int> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument("odd");
  return n / 2;
}
Result<int> Quarter(int n) {
  CHROMA_ASSIGN(const int half, Half(n));
  CHROMA_ASSIGN(const int quarter, Half(half));
  return quarter;
}
Status Both(bool first, bool second, int* reached) {
  CHROMA_TRY(Fail(first));
  *reached = 1;
  CHROMA_TRY(Fail(second));
  *reached = 2;
  return Status::Ok();
}

TEST(Status, OkCarriesNothing) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), StatusCode::kOk);
  EXPECT_EQ(ok.message(), "");
  EXPECT_EQ(ok.ToString(), "OK");
  EXPECT_TRUE(ok.Annotate("reading x").ok());
  EXPECT_TRUE(Status(StatusCode::kOk, "ignored").ok());
}

TEST(Status, FailureKeepsCodeAndMessage) {
  const Status lost = Status::DataLoss("block 7");
  EXPECT_FALSE(lost.ok());
  EXPECT_EQ(lost.ToString(), "DATA_LOSS: block 7");
  const Status annotated = lost.Annotate("segment 3");
  EXPECT_EQ(annotated.code(), StatusCode::kDataLoss);
  EXPECT_EQ(annotated.message(), "segment 3: block 7");
  EXPECT_EQ(lost.message(), "block 7");
}

TEST(Status, EveryCodeHasItsName) {
  EXPECT_EQ(StatusCodeName(StatusCode::kOk), "OK");
  EXPECT_EQ(StatusCodeName(StatusCode::kCancelled), "CANCELLED");
  EXPECT_EQ(StatusCodeName(StatusCode::kDeadlineExceeded), "DEADLINE_EXCEEDED");
  EXPECT_EQ(StatusCodeName(StatusCode::kResourceExhausted), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(StatusCodeName(StatusCode::kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(StatusCodeName(static_cast<StatusCode>(99)), "UNKNOWN");
}

TEST(Result, MacrosReturnTheFirstFailure) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().ToString(), "INVALID_ARGUMENT: odd");
  int reached = 0;
  EXPECT_FALSE(Both(true, false, &reached).ok());
  EXPECT_EQ(reached, 0);
  EXPECT_FALSE(Both(false, true, &reached).ok());
  EXPECT_EQ(reached, 1);
  EXPECT_TRUE(Both(false, false, &reached).ok());
  EXPECT_EQ(reached, 2);
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

}  // namespace
}  // namespace chroma
