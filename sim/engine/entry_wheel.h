#pragma once

#include "sim/engine/entry_stream.h"
#include "sim/engine/occupancy_map.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace megabed {

/// Entries in the order of their times, and entries of one time in the order in which they were inserted: the
/// pending set of `EventQueue`, whose header says how it works.
/// Requires: no time is negative or before that of the entry taken last.
class EntryWheel {
public:
    EntryWheel() { hold_back(); }
    EntryWheel(const EntryWheel&) = delete;
    EntryWheel& operator=(const EntryWheel&) = delete;

    void insert(QueueEntry entry) {
        ++size_;
        const std::uint64_t at = cell_index(entry.time);
        if (at <= current_) {
            insert_near(entry);
        } else {
            place(at, entry);
        }
    }

    /// Requires: not empty.
    [[nodiscard]] QueueEntry take() {
        --size_;
        if (late_.empty()) [[likely]] {
            if (head_ == tail_) {
                open_next_cell();
            }
            return *head_++;
        }
        return take_beside_late();
    }

    /// The entry that `take` would return. Requires: not empty.
    [[nodiscard]] QueueEntry front() {
        if (head_ == tail_ && late_.empty()) {
            open_next_cell();
        }
        return late_is_next() ? late_.front().entry : *head_;
    }

    [[nodiscard]] std::size_t size() const { return size_; }

    /// Takes all entries out, those of one time in their order. The wheel is then as a new one.
    [[nodiscard]] std::vector<QueueEntry> take_all();

    /// All entries, in no order.
    [[nodiscard]] std::vector<QueueEntry> entries() const;

    /// Where the wheel may touch the memory of slots ahead of use: their first byte and their distance.
    void set_slots(const void* first, std::size_t stride) {
        slots_ = static_cast<const std::byte*>(first);
        slot_stride_ = stride;
    }

private:
    static constexpr unsigned kCellBits = 10;
    static constexpr std::size_t kCells = std::size_t{1} << kCellBits;
    static constexpr std::size_t kCellEntries = 8;
    static constexpr unsigned kLevelBits = 12;
    static constexpr std::size_t kLevelBuckets = std::size_t{1} << kLevelBits;
    static constexpr std::size_t kLevels = 5;
    static_assert(kLevelBuckets == OccupancyMap::kBuckets && kCells <= OccupancyMap::kBuckets);
    static_assert(kCellBits + kLevelBits * kLevels >= 63);
    /// A longer stretch than this is not moved for one insertion.
    static constexpr std::ptrdiff_t kShiftMax = 24;

    struct Level {
        OccupancyMap occupied;
        std::array<EntryStreams::Stream, kLevelBuckets> streams{};
    };
    struct LateEntry {
        QueueEntry entry;
        std::uint64_t order;
    };
    struct Later {
        bool operator()(const LateEntry& left, const LateEntry& right) const {
            return left.entry.time != right.entry.time ? left.entry.time > right.entry.time
                                                       : left.order > right.order;
        }
    };

    [[nodiscard]] std::uint64_t cell_index(std::int64_t time) const {
        return static_cast<std::uint64_t>(time) >> width_bits_;
    }

    /// Puts an entry into its cell, or into a stream where its cell is out of sight.
    void place(std::uint64_t at, QueueEntry entry) {
        const std::uint64_t difference = at ^ current_;
        if (difference < kCells) {
            place_in_cell(at % kCells, entry);
        } else if (difference >> kCellBits < kLevelBuckets && levels_[0]) {
            const std::size_t bucket = (at >> kCellBits) % kLevelBuckets;
            levels_[0]->occupied.set(bucket);
            streams_.append(levels_[0]->streams[bucket], entry);
        } else {
            place_far(at, entry);
        }
    }
    void place_in_cell(std::size_t cell, QueueEntry entry) {
        occupied_.set(cell);
        const std::size_t count = counts_[cell];
        if (count < kCellEntries) [[likely]] {
            cells_[cell * kCellEntries + count] = entry;
            counts_[cell] = static_cast<std::uint8_t>(count + 1);
        } else {
            streams_.append(spills_[cell], entry);
        }
    }

    /// An entry of the current cell, or before it.
    void insert_near(QueueEntry entry) {
        if (!late_.empty() || tail_ == near_end_ || (tail_ - head_ > kShiftMax)) [[unlikely]] {
            if (!make_room_near(entry)) {
                return;
            }
        }
        QueueEntry* at = tail_++;
        for (; at != head_ && at[-1].time > entry.time; --at) {
            *at = at[-1];
        }
        *at = entry;
    }

    [[nodiscard]] bool late_is_next() const {
        return !late_.empty() && (head_ == tail_ || late_.front().entry.time < head_->time);
    }

    void place_far(std::uint64_t at, QueueEntry entry);
    bool make_room_near(QueueEntry entry);
    QueueEntry take_beside_late();
    void enlarge_near();

    void open_next_cell();
    void pour(std::size_t level);
    bool open_crowded(std::size_t cell);
    void review_width();
    void change_width(unsigned width_bits);
    void collect(std::vector<QueueEntry>& entries);
    void place_all(std::int64_t now);
    void hold_back();
    void place_held_back();
    [[nodiscard]] unsigned width_for_held_back() const;

    std::uint64_t current_ = 0;  ///< index of the cell opened last
    unsigned width_bits_ = 0;    ///< a cell spans 2^width_bits_ ns
    bool width_is_known_ = false;
    std::size_t size_ = 0;

    // The opened cell, sorted: [head_, tail_) within near_.
    QueueEntry* head_ = nullptr;
    QueueEntry* tail_ = nullptr;
    QueueEntry* near_end_ = nullptr;
    std::size_t near_capacity_ = 0;
    std::unique_ptr<QueueEntry[]> near_;
    std::vector<LateEntry> late_;  ///< a heap of what came too late to be sorted in cheaply
    std::uint64_t late_order_ = 0;

    // Level 0: the cells.
    OccupancyMap occupied_;
    std::array<std::uint8_t, kCells> counts_{};
    std::unique_ptr<QueueEntry[]> cells_;
    std::array<EntryStreams::Stream, kCells> spills_{};

    // Level k spans 2^12 times as much as the level below; its buckets are unsorted streams.
    std::array<std::unique_ptr<Level>, kLevels> levels_;
    EntryStreams streams_;

    // What the choice of the width rests on.
    std::size_t opened_cells_ = 0;
    std::size_t opened_entries_ = 0;
    std::size_t opened_times_ = 0;   ///< distinct ones
    std::uint64_t review_time_ = 0;  ///< start of the review period
    std::uint64_t work_ = 0;  ///< cells' entries handled since the width changed; pays for the next change
    /// On the way to their cells: all, until the first is asked for; later, during a change of the width.
    std::vector<QueueEntry> unplaced_;

    const std::byte* slots_ = nullptr;
    std::size_t slot_stride_ = 0;
};

}  // namespace megabed
