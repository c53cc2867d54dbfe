#include "sim/engine/entry_wheel.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace megabed {
namespace {

bool is_earlier(const QueueEntry& left, const QueueEntry& right) { return left.time < right.time; }

/// Entries of one cell that keep both the search for the next cell and the sorting of one short.
constexpr std::uint64_t kEntriesPerCell = 2;
/// Cells between two looks at the width.
constexpr std::size_t kReviewCells = 256;
/// A cell with more entries is a reason to look at the width at once.
constexpr std::size_t kCrowd = 64;
constexpr std::size_t kNearMin = 64;
/// Entries that the first width is chosen by.
constexpr std::size_t kSample = 32;
/// After every cell there is.
constexpr std::uint64_t kNoCell = std::numeric_limits<std::uint64_t>::max();

/// The power of two next to span / count * kEntriesPerCell, as an exponent. Requires: count > 0.
unsigned width_for(std::uint64_t span, std::uint64_t count) {
    const std::uint64_t gap = span / count;
    const std::uint64_t width = gap == 0 ? span * kEntriesPerCell / count : gap * kEntriesPerCell;
    // Rounds to the nearer power in the logarithm: 3/2 is about the square root of two.
    return width == 0 ? 0 : static_cast<unsigned>(std::bit_width(width + width / 2)) - 1;
}

}  // namespace

/// From now on `make_room_near` puts every entry into `unplaced_`, until the first is asked for.
void EntryWheel::hold_back() {
    current_ = kNoCell;
    head_ = tail_ = near_end_ = near_.get();
}

/// Chooses a width by a sample of the entries held back. Requires: one at least.
unsigned EntryWheel::width_for_held_back() const {
    std::array<std::int64_t, kSample> sample{};
    const std::size_t count = std::min(kSample, unplaced_.size());
    for (std::size_t at = 0; at < count; ++at) {
        sample[at] = unplaced_[at * unplaced_.size() / count].time;
    }
    std::sort(sample.begin(), sample.begin() + count);
    // The next quarter of the entries tells how dense they are where the cells will be; where it is one moment,
    // all of them.
    const auto span = static_cast<std::uint64_t>(sample[count / 4] - sample[0]);
    const auto whole = static_cast<std::uint64_t>(sample[count - 1] - sample[0]);
    return span > 0 ? width_for(span, (unplaced_.size() + 3) / 4) : width_for(whole, unplaced_.size());
}

void EntryWheel::place_held_back() {
    if (!near_) {
        near_ = std::make_unique_for_overwrite<QueueEntry[]>(kNearMin);
        near_capacity_ = kNearMin;
        cells_ = std::make_unique_for_overwrite<QueueEntry[]>(kCells * kCellEntries);
    }
    head_ = tail_ = near_.get();
    near_end_ = head_ + near_capacity_;
    if (!width_is_known_) {
        width_bits_ = width_for_held_back();
        width_is_known_ = true;
    }
    place_all(std::min_element(unplaced_.begin(), unplaced_.end(), is_earlier)->time);
    work_ = size_;  // a guess: the first change is free
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

void EntryWheel::enlarge_near() {
    const std::size_t count = near_capacity_ * 2;
    auto larger = std::make_unique_for_overwrite<QueueEntry[]>(count);
    tail_ = std::copy(head_, tail_, larger.get());
    head_ = larger.get();
    near_end_ = head_ + count;
    near_capacity_ = count;
    near_ = std::move(larger);
}

/// Whether the entry may now be inserted into the opened cell; otherwise it has been put elsewhere.
bool EntryWheel::make_room_near(QueueEntry entry) {
    if (current_ == kNoCell) {
        unplaced_.push_back(entry);
        return false;
    }
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
        if (count > near_capacity_ / 2) {
            enlarge_near();
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
    if (current_ == kNoCell) {
        place_held_back();
    } else if (opened_cells_ >= kReviewCells) {
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
    head_ = near_.get();
    tail_ = std::copy_n(&cells_[cell * kCellEntries], kCellEntries, head_);
    streams_.drain(spills_[cell], [this](QueueEntry entry) {
        if (tail_ == near_end_) {
            enlarge_near();
        }
        *tail_++ = entry;
    });
    const auto count = static_cast<std::size_t>(tail_ - head_);
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
    const std::uint64_t above =
        shift + kLevelBits < 64 ? current_ >> (shift + kLevelBits) << (shift + kLevelBits) : 0;
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
    const std::uint64_t now = current_ << width_bits_;
    collect(unplaced_);
    width_bits_ = width_bits;
    place_all(static_cast<std::int64_t>(now));
}

/// Takes all entries out of the opened cell, the other cells and the streams, those of one time in their order.
void EntryWheel::collect(std::vector<QueueEntry>& entries) {
    entries.insert(entries.end(), head_, tail_);
    head_ = tail_ = near_.get();
    std::sort(late_.begin(), late_.end(),
              [](const auto& left, const auto& right) { return Later{}(right, left); });
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

/// Places `unplaced_`. The current cell, if one of them belongs there, must be opened before the next
/// insertion.
void EntryWheel::place_all(std::int64_t now) {
    current_ = cell_index(now);
    review_time_ = current_ << width_bits_;
    opened_cells_ = opened_entries_ = opened_times_ = 0;
    work_ = 0;
    for (const QueueEntry& entry : unplaced_) {
        place(cell_index(entry.time), entry);
    }
    unplaced_.clear();
}

std::vector<QueueEntry> EntryWheel::entries() const {
    std::vector<QueueEntry> entries = unplaced_;
    entries.insert(entries.end(), head_, tail_);
    for (const LateEntry& late : late_) {
        entries.push_back(late.entry);
    }
    for (std::size_t cell = 0; cell < kCells; ++cell) {
        if (counts_[cell] > 0) {
            const QueueEntry* from = &cells_[cell * kCellEntries];
            entries.insert(entries.end(), from, from + counts_[cell]);
        }
        EntryStreams::copy(spills_[cell], entries);
    }
    for (const auto& level : levels_) {
        if (level) {
            for (const EntryStreams::Stream stream : level->streams) {
                EntryStreams::copy(stream, entries);
            }
        }
    }
    return entries;
}

std::vector<QueueEntry> EntryWheel::take_all() {
    collect(unplaced_);
    size_ = 0;
    hold_back();
    return std::exchange(unplaced_, {});
}

}  // namespace megabed
