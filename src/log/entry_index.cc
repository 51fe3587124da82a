#include "log/entry_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace chroma::log {

void EntryIndex::Add(LogFile& file, const FrameHeader& frame, std::shared_ptr<const Bytes> payload,
                     bool hidden) {
  if (hidden) {
    const auto [at, is_first] = hidden_.try_emplace(frame.collection);
    if (is_first) at->second.shown_end = LastEnd(frame.collection);
    ++at->second.entries;
  } else if (const auto at = hidden_.find(frame.collection); at != hidden_.end()) {
    at->second.shown_end = frame.first_offset + frame.count;
  }
  Collection& collection = collections_[frame.collection];
  CHECK(collection.places.empty() || collection.places.back().first_offset < frame.first_offset);
  Place& place = collection.places.emplace_back();
  place.first_offset = frame.first_offset;
  place.append_unix_ns = frame.append_unix_ns;
  place.position = frame.position;
  place.payload_bytes = frame.payload_bytes;
  place.count = frame.count;
  place.file = &file;
  ++file.live_entries;
  collection.records += frame.count;
  collection.payload_bytes += frame.payload_bytes;
  payload_bytes_ += frame.payload_bytes;
  if (payload != nullptr) Cache(place, std::move(payload));
}

void EntryIndex::Cache(Place& place, std::shared_ptr<const Bytes> payload) {
  if (payload->size() > cached_bytes_max_) return;
  while (cached_bytes_ + payload->size() > cached_bytes_max_) Uncache(*oldest_cached_);
  cached_bytes_ += payload->size();
  place.payload = std::move(payload);
  place.older = newest_cached_;
  (newest_cached_ != nullptr ? newest_cached_->newer : oldest_cached_) = &place;
  newest_cached_ = &place;
}

void EntryIndex::Uncache(Place& place) {
  if (place.payload == nullptr) return;
  cached_bytes_ -= place.payload->size();
  place.payload = nullptr;
  (place.older != nullptr ? place.older->newer : oldest_cached_) = place.newer;
  (place.newer != nullptr ? place.newer->older : newest_cached_) = place.older;
  place.newer = place.older = nullptr;
}

Result<std::vector<EntryIndex::Found>> EntryIndex::Find(const Uuid& collection, uint64_t from,
                                                        size_t bytes_max) const {
  if (auto trimmed = trimmed_to_.find(collection);
      trimmed != trimmed_to_.end() && from < trimmed->second) {
    return Status::OutOfRange("the log of collection " + collection.ToString() +
                              " was trimmed up to " + std::to_string(trimmed->second) +
                              ", asked for from " + std::to_string(from));
  }
  std::vector<Found> found;
  auto it = collections_.find(collection);
  if (it == collections_.end()) return found;
  const std::deque<Place>& places = it->second.places;
  auto place = std::lower_bound(places.begin(), places.end(), from,
                                [](const Place& p, uint64_t o) { return p.first_offset < o; });
  size_t bytes = 0;
  for (; place != places.end(); ++place) {
    bytes += place->payload_bytes;
    if (!found.empty() && bytes > bytes_max) break;
    Found& one = found.emplace_back();
    one.entry = {place->first_offset, place->count, place->payload};
    one.payload_bytes = place->payload_bytes;
    if (place->payload != nullptr) continue;
    one.position = place->position;
    one.salt = place->file->salt;
    one.file = place->file->file;
    one.path = place->file->path;
  }
  return found;
}

void EntryIndex::Show(const Uuid& collection, uint64_t end) {
  const auto at = hidden_.find(collection);
  CHECK(at != hidden_.end());
  at->second.shown_end = std::max(at->second.shown_end, end);
  if (--at->second.entries == 0) hidden_.erase(at);
}

uint64_t EntryIndex::End(const Uuid& collection) const {
  const auto at = hidden_.find(collection);
  return at == hidden_.end() ? LastEnd(collection) : at->second.shown_end;
}

uint64_t EntryIndex::LastEnd(const Uuid& collection) const {
  auto it = collections_.find(collection);
  if (it == collections_.end()) {
    auto trimmed = trimmed_to_.find(collection);
    return trimmed == trimmed_to_.end() ? 0 : trimmed->second;
  }
  const Place& last = it->second.places.back();
  return last.first_offset + last.count;
}

uint64_t EntryIndex::PayloadBytes(const Uuid& collection) const {
  auto it = collections_.find(collection);
  return it == collections_.end() ? 0 : it->second.payload_bytes;
}

bool EntryIndex::PopFront(Collection& collection) {
  Place& place = collection.places.front();
  Uncache(place);
  collection.records -= place.count;
  collection.payload_bytes -= place.payload_bytes;
  payload_bytes_ -= place.payload_bytes;
  const bool last_of_file = --place.file->live_entries == 0;
  collection.places.pop_front();
  return last_of_file;
}

bool EntryIndex::Trim(const Uuid& collection, uint64_t offset) {
  auto it = collections_.find(collection);
  if (it == collections_.end()) return false;
  std::deque<Place>& places = it->second.places;
  bool file_died = false;
  while (!places.empty() && places.front().first_offset + places.front().count <= offset) {
    trimmed_to_[collection] = places.front().first_offset + places.front().count;
    file_died |= PopFront(it->second);
  }
  if (places.empty()) collections_.erase(it);
  return file_died;
}

bool EntryIndex::Forget(const Uuid& collection) {
  const bool file_died = Trim(collection, UINT64_MAX);
  if (!trimmed_to_.contains(collection)) return file_died;
  // A read that found the collection before it was deleted may come so much later.
  constexpr size_t kForgottenMax = 1 << 17;
  forgotten_.push_back(collection);
  if (forgotten_.size() > kForgottenMax) {
    trimmed_to_.erase(forgotten_.front());
    forgotten_.pop_front();
  }
  return file_died;
}

std::vector<Log::Backlog> EntryIndex::Backlogs() const {
  std::vector<Log::Backlog> backlogs;
  backlogs.reserve(collections_.size());
  for (const auto& [id, collection] : collections_) {
    const Place& oldest = collection.places.front();
    backlogs.push_back({id, collection.records, collection.payload_bytes, oldest.first_offset,
                        oldest.append_unix_ns});
  }
  std::sort(backlogs.begin(), backlogs.end(), [](const Log::Backlog& a, const Log::Backlog& b) {
    return a.first_offset < b.first_offset;
  });
  return backlogs;
}

}  // namespace chroma::log
