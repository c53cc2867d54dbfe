#include "sim/engine/entry_wheel.h"

#include <algorithm>
#include <utility>

namespace megabed {
namespace {

bool is_earlier(const QueueEntry& left, const QueueEntry& right) {
    return left.time < right.time;
}

/// Entries of one cell that keep both the search for the next cell and the sorting of one short.
constexpr std::uint64_t kEntriesPerCell = 2;
/// Cells between two looks at the width.
constexpr std::size_t kReviewCells = 256;
/// A cell with more entries is a reason to look at the width at once.
constexpr std::size_t kCrowd = 64;
constexpr std::size_t kNearMin = 64;

/// The power of two next to span / count * kEntriesPerCell, as an exponent. Requires: count > 0.
unsigned width_for(std::uint64_t span, std::uint64_t count) {
    const std::uint64_t gap = span / count;
    const std::uint64_t width = gap == 0 ? span * kEntriesPerCell / count : gap * kEntriesPerCell;
    // Rounds to the nearer power in the logarithm: 3/2 is about the square root of two.
    return width == 0 ? 0 : static_cast<unsigned>(std::bit_width(width + width / 2)) - 1;
}

}  // namespace

EntryWheel::EntryWheel() : cells_(std::make_unique_for_overwrite<QueueEntry[]>(kCells * kCellEntries)) {
    reserve_near(kNearMin);
}

void EntryWheel::place_far(std::uint64_t at, QueueEntry entry) {
    const auto highest = static_cast<std::size_t>(std::bit_width(at ^ current_)) - 1;
    const std::size_t level = (highest - kCellBits) / kLevelBits;
    if (!levels_[level]) {
        levels_[level] = std::make_unique<Level>();
    }
    const std::size_t bucket = (at >> (kCellBits + kLevelBits * level)) % kLevelBuckets;
    levels_[level]->occupied.set(bucket);
    streams_.append(levels_[level]->streams[bucket], entry);
}

void EntryWheel::reserve_near(std::size_t count) {
    if (count <= static_cast<std::size_t>(near_end_ - near_.get())) {
        return;
    }
    auto larger = std::make_unique_for_overwrite<QueueEntry[]>(count);
    tail_ = std::copy(head_, tail_, larger.get());
    head_ = larger.get();
    near_end_ = head_ + count;
    near_ = std::move(larger);
}

/// Whether the entry may now be inserted into the opened cell; otherwise it has been put elsewhere.
bool EntryWheel::make_room_near(QueueEntry entry) {
    // Never into the opened cell behind a late entry of the same time: on a tie the cell goes first.
    const bool after_late = !late_.empty() && late_.front().entry.time <= entry.time;
    if (after_late || (tail_ - head_ > kShiftMax && tail_[-kShiftMax].time > entry.time)) {
        if (!after_late && head_ != near_.get() && entry.time < head_->time) {
            *--head_ = entry;
            return false;
        }
        late_.push_back({entry, late_order_++});
        std::push_heap(late_.begin(), late_.end(), Later{});
        return false;
    }
    if (tail_ == near_end_) {
        const auto count = static_cast<std::size_t>(tail_ - head_);
        const auto capacity = static_cast<std::size_t>(near_end_ - near_.get());
        if (count > capacity / 2) {
            reserve_near(capacity * 2);
        } else {
            tail_ = std::copy(head_, tail_, near_.get());
            head_ = near_.get();
        }
    }
    return true;
}

QueueEntry EntryWheel::take_beside_late() {
    if (!late_is_next()) {
        return *head_++;
    }
    const QueueEntry entry = late_.front().entry;
    std::pop_heap(late_.begin(), late_.end(), Later{});
    late_.pop_back();
    return entry;
}

void EntryWheel::open_next_cell() {
    assert(head_ == tail_ && late_.empty());
    if (opened_cells_ >= kReviewCells) {
        review_width();
    }
    while (true) {
        if (occupied_.empty()) {
            const auto lowest = std::find_if(levels_.begin(), levels_.end(), [](const auto& level) {
                return level && !level->occupied.empty();
            });
            assert(lowest != levels_.end());
            pour(static_cast<std::size_t>(lowest - levels_.begin()));
            continue;
        }
        const std::size_t cell = occupied_.first();
        current_ = (current_ & ~std::uint64_t{kCells - 1}) | cell;
        const std::size_t count = counts_[cell];
        if (count == kCellEntries) [[unlikely]] {
            if (open_crowded(cell)) {
                return;
            }
            continue;
        }
        occupied_.clear(cell);
        counts_[cell] = 0;
        ++opened_cells_;
        opened_entries_ += count;
        opened_times_ += count;
        const QueueEntry* from = &cells_[cell * kCellEntries];
        head_ = tail_ = near_.get();
        for (const QueueEntry* entry = from; entry != from + count; ++entry) {
            QueueEntry* at = tail_++;
            for (; at != head_ && at[-1].time > entry->time; --at) {
                *at = at[-1];
            }
            *at = *entry;
        }
        return;
    }
}

/// Opens a full cell with whatever spilled from it. False where it changed the width instead.
bool EntryWheel::open_crowded(std::size_t cell) {
    occupied_.clear(cell);
    counts_[cell] = 0;
    moving_.assign(&cells_[cell * kCellEntries], &cells_[cell * kCellEntries] + kCellEntries);
    streams_.drain(spills_[cell], [this](QueueEntry entry) { moving_.push_back(entry); });
    const std::size_t count = moving_.size();
    head_ = tail_ = near_.get();
    reserve_near(count);
    tail_ = std::copy(moving_.begin(), moving_.end(), head_);
    if (count > kCrowd && width_bits_ > 0 && work_ + opened_entries_ >= size_ / 2) {
        const auto [first, last] = std::minmax_element(head_, tail_, is_earlier);
        const auto span = static_cast<std::uint64_t>(last->time - first->time);
        const unsigned better = width_for(span, count);
        if (span > 0 && better < width_bits_) {
            change_width(better);
            return false;
        }
    }
    if (!std::is_sorted(head_, tail_, is_earlier)) {
        std::stable_sort(head_, tail_, is_earlier);
    }
    ++opened_cells_;
    opened_entries_ += count;
    ++opened_times_;
    for (const QueueEntry* entry = head_ + 1; entry != tail_; ++entry) {
        opened_times_ += entry->time != entry[-1].time ? 1 : 0;
    }
    return true;
}

/// Distributes the first bucket of a level whose lower levels are empty.
void EntryWheel::pour(std::size_t level_index) {
    Level& level = *levels_[level_index];
    const std::size_t bucket = level.occupied.first();
    level.occupied.clear(bucket);
    EntryStreams::Stream stream = std::exchange(level.streams[bucket], nullptr);
    const std::size_t shift = kCellBits + kLevelBits * level_index;
    const std::uint64_t above = shift + kLevelBits < 64 ? current_ >> (shift + kLevelBits) << (shift + kLevelBits) : 0;
    current_ = above | std::uint64_t{bucket} << shift;
    if (const std::size_t count = EntryStreams::short_length(stream); count > 0) {
        // Few entries: straight to the first of them, past the levels in between.
        const QueueEntry* entries = EntryStreams::short_entries(stream);
        current_ = cell_index(std::min_element(entries, entries + count, is_earlier)->time);
    }
    streams_.drain(stream, [this](QueueEntry entry) {
        __builtin_prefetch(slots_ + entry.slot * slot_stride_, 1);
        place(cell_index(entry.time), entry);
    });
}

/// Widens cells that hold hardly more than one entry, narrows those that hold many times.
void EntryWheel::review_width() {
    work_ += opened_entries_;
    const std::uint64_t cells = std::exchange(opened_cells_, 0);
    const std::uint64_t entries = std::exchange(opened_entries_, 0);
    const std::uint64_t times = std::exchange(opened_times_, 0);
    const std::uint64_t now = current_ << width_bits_;
    const std::uint64_t span = now - std::exchange(review_time_, now);
    unsigned better = width_bits_;
    if (entries > 6 * cells && times * 10 > cells * 13) {
        const auto excess = static_cast<unsigned>(std::bit_width(entries / (cells * kEntriesPerCell))) - 1;
        better -= std::min(excess, width_bits_);
    } else if (entries * 10 < cells * 13) {
        better = std::max(better, width_for(span, entries));
    }
    if (better != width_bits_ && work_ >= size_ / 2) {
        change_width(better);
    }
}

void EntryWheel::change_width(unsigned width_bits) {
    moving_.clear();
    const std::uint64_t now = current_ << width_bits_;
    collect(moving_);
    width_bits_ = width_bits;
    place_all(moving_, static_cast<std::int64_t>(now));
}

void EntryWheel::collect(std::vector<QueueEntry>& entries) {
    entries.insert(entries.end(), head_, tail_);
    head_ = tail_ = near_.get();
    std::sort(late_.begin(), late_.end(), [](const auto& left, const auto& right) { return Later{}(right, left); });
    for (const LateEntry& late : late_) {
        entries.push_back(late.entry);
    }
    late_.clear();
    const auto collect_entry = [&entries](QueueEntry entry) { entries.push_back(entry); };
    while (!occupied_.empty()) {
        const std::size_t cell = occupied_.first();
        occupied_.clear(cell);
        const QueueEntry* from = &cells_[cell * kCellEntries];
        entries.insert(entries.end(), from, from + std::exchange(counts_[cell], std::uint8_t{0}));
        streams_.drain(spills_[cell], collect_entry);
    }
    for (const auto& level : levels_) {
        while (level && !level->occupied.empty()) {
            const std::size_t bucket = level->occupied.first();
            level->occupied.clear(bucket);
            streams_.drain(level->streams[bucket], collect_entry);
        }
    }
}

void EntryWheel::place_all(const std::vector<QueueEntry>& entries, std::int64_t now) {
    current_ = cell_index(now);
    review_time_ = current_ << width_bits_;
    opened_cells_ = opened_entries_ = opened_times_ = 0;
    work_ = 0;
    for (const QueueEntry& entry : entries) {
        place(cell_index(entry.time), entry);
    }
}

void EntryWheel::empty_into(std::vector<QueueEntry>& entries) {
    collect(entries);
    size_ = 0;
}

void EntryWheel::refill(const std::vector<QueueEntry>& entries, std::int64_t now) {
    assert(size_ == 0);
    size_ = entries.size();
    place_all(entries, now);
    work_ = size_;  // the first change of the width is free
    if (size_ > 0) {
        // The current cell must not stay among the unopened: what is inserted into it would go first.
        open_next_cell();
    }
}

}  // namespace megabed
