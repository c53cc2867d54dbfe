#pragma once

#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/entry_wheel.h"

#include <boost/archive/archive_exception.hpp>
#include <boost/serialization/split_member.hpp>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace megabed {

/// Names one pushed event for as long as its queue lives, and in every queue loaded from a checkpoint of it.
struct EventHandle {
    std::uint64_t sequence = std::numeric_limits<std::uint64_t>::max();
    std::uint32_t slot = 0;

    bool operator==(const EventHandle&) const = default;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& sequence& slot;
    }
};

/// Future events in the order (time, sequence): simultaneous events come out as they went in.
/// Units:    time in ns, from 0 on.
/// Requires: `Payload` is trivially copyable; Boost can serialise it where the queue goes into a checkpoint.
/// Cost:     push, pop and cancel in O(1) amortised; O(log n) where nearly all events fall into one narrow
/// stretch
///           of time and not into one moment. Memory stays in proportion to the pending events: cancelled ones
///           are swept out once they outnumber the others.
///
/// Payloads lie still in slots, which handles name; the order is kept among entries of 16 bytes (`EntryWheel`).
/// Entries due soon are in cells of a power of two of nanoseconds, two to a cell on average; a cell is sorted
/// when it is reached. Later ones are in unsorted streams, each as long as all cells together, later ones still
/// in streams 4096 times as long, and so on up to 2^63 ns, so that an outlier costs a few moves and nothing
/// else. A stream is poured out one level down when its time comes. At a million events only the tails of the
/// streams and the cells are touched at random, and they stay in the cache; all else is read and written in
/// sequence. The width of a cell follows the number of entries found in cells: first from a sample, then every
/// 256 cells, and at once where a crowd is met; a change moves all entries, so it must be paid for by half as
/// many pops.
///
/// Source: Brown, "Calendar queues", CACM 31(10), 1988; Varghese and Lauck, "Hashed and hierarchical timing
///         wheels", SOSP 1987; Tang, Goh and Thng, "Ladder queue", TOMACS 15(3), 2005 (sorting put off).
template <class Payload>
class EventQueue {
    static_assert(std::is_trivially_copyable_v<Payload>);

public:
    struct Event {
        SimTime time{};
        std::uint64_t sequence = 0;
        Payload payload{};
    };

    EventQueue() = default;
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    /// Requires: time is not before the event popped last.
    EventHandle push(SimTime time, Payload payload) {
        assert(time >= last_);
        if (free_ == kNone) [[unlikely]] {
            grow();
        }
        const std::uint32_t at = free_;
        Slot& slot = slots_[at];
        free_ = static_cast<std::uint32_t>(slot.sequence);
        slot.sequence = next_sequence_;
        slot.payload = payload;
        wheel_.insert({time.value(), at});
        return {next_sequence_++, at};
    }

    /// Takes an event back. False where it was popped or cancelled before.
    bool cancel(EventHandle handle) {
        if (handle.slot >= slots_.size() || slots_[handle.slot].sequence != handle.sequence) {
            return false;
        }
        slots_[handle.slot].sequence = kCancelled;
        ++cancelled_;
        if (cancelled_ > size() + kCancelledMin) {
            forget_cancelled();
        }
        return true;
    }

    /// Requires: not empty.
    Event pop() {
        assert(!empty());
        QueueEntry entry = wheel_.take();
        while (slots_[entry.slot].sequence == kCancelled)
            [[unlikely]] {
                --cancelled_;
                release(entry.slot);
                entry = wheel_.take();
            }
        const Slot& slot = slots_[entry.slot];
        const Event event{SimTime(entry.time), slot.sequence, slot.payload};
        release(entry.slot);
        assert(event.time >= last_);
        last_ = event.time;
        return event;
    }

    [[nodiscard]] bool empty() const { return size() == 0; }
    /// Events that will be popped unless they are cancelled.
    [[nodiscard]] std::size_t size() const { return wheel_.size() - cancelled_; }

    /// Requires: not empty.
    [[nodiscard]] SimTime next_time() {
        assert(!empty());
        while (slots_[wheel_.front().slot].sequence == kCancelled) {
            --cancelled_;
            release(wheel_.take().slot);
        }
        return SimTime(wheel_.front().time);
    }

    BOOST_SERIALIZATION_SPLIT_MEMBER()

    /// Writes the pending events in their order; slots too, so that handles stay valid.
    template <class Archive>
    void save(Archive& archive, unsigned /*version*/) const {
        const std::vector<QueueEntry> entries = pending();
        const std::uint64_t slots = slots_.size();
        const std::uint64_t count = entries.size();
        archive << next_sequence_ << last_ << slots << count;
        for (const QueueEntry& entry : entries) {
            const Slot& slot = slots_[entry.slot];
            archive << entry.time << entry.slot << slot.sequence << slot.payload;
        }
    }
    /// Errors: boost::archive::archive_exception where the archive does not hold what `save` writes.
    template <class Archive>
    void load(Archive& archive, unsigned /*version*/) {
        std::uint64_t slots = 0;
        std::uint64_t count = 0;
        (void)wheel_.take_all();
        slots_.clear();
        free_ = kNone;
        cancelled_ = 0;
        archive >> next_sequence_ >> last_ >> slots >> count;
        require(count <= slots && slots < kNone);
        add_slots(slots);
        QueueEntry before{last_.value(), 0};
        for (std::uint64_t sequence = 0; count > 0; --count) {
            QueueEntry entry{};
            Slot slot{};
            archive >> entry.time >> entry.slot >> slot.sequence >> slot.payload;
            require(entry.time > before.time || (entry.time == before.time && slot.sequence >= sequence));
            require(slot.sequence < next_sequence_);
            require(entry.slot < slots && slots_[entry.slot].sequence >= kFree);
            slots_[entry.slot] = slot;
            wheel_.insert(entry);
            before = entry;
            sequence = slot.sequence;
        }
        free_ = kNone;
        for (std::size_t at = slots_.size(); at-- > 0;) {
            if (slots_[at].sequence >= kFree) {
                release(static_cast<std::uint32_t>(at));
            }
        }
    }

private:
    /// `sequence` is that of a pending event, or kCancelled, or kFree plus the next free slot.
    struct Slot {
        std::uint64_t sequence;
        Payload payload;
    };
    static constexpr std::uint64_t kFree = std::uint64_t{1} << 63;
    static constexpr std::uint64_t kCancelled = kFree | std::uint64_t{1} << 62;
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::size_t kCancelledMin = 64;
    static constexpr std::size_t kSlotsMin = 16;

    void release(std::uint32_t slot) {
        slots_[slot].sequence = kFree | free_;
        free_ = slot;
    }

    [[gnu::noinline]] void grow() { add_slots(std::max(slots_.size(), kSlotsMin)); }

    void add_slots(std::size_t count) {
        const std::size_t before = slots_.size();
        assert(before + count <= kNone);
        slots_.resize(before + count);
        for (std::size_t at = slots_.size(); at-- > before;) {
            release(static_cast<std::uint32_t>(at));
        }
        wheel_.set_slots(slots_.data(), sizeof(Slot));
    }

    static void require(bool condition) {
        if (!condition) {
            using boost::archive::archive_exception;
            throw archive_exception(archive_exception::input_stream_error, "not a queue of events");
        }
    }

    /// The events that are not cancelled, in their order.
    [[nodiscard]] std::vector<QueueEntry> pending() const {
        std::vector<QueueEntry> entries = wheel_.entries();
        std::erase_if(entries,
                      [this](const QueueEntry& entry) { return slots_[entry.slot].sequence == kCancelled; });
        std::sort(entries.begin(), entries.end(), [this](const QueueEntry& left, const QueueEntry& right) {
            return left.time != right.time ? left.time < right.time
                                           : slots_[left.slot].sequence < slots_[right.slot].sequence;
        });
        return entries;
    }

    void forget_cancelled() {
        cancelled_ = 0;
        for (const QueueEntry& entry : wheel_.take_all()) {
            if (slots_[entry.slot].sequence == kCancelled) {
                release(entry.slot);
            } else {
                wheel_.insert(entry);
            }
        }
    }

    EntryWheel wheel_;
    std::vector<Slot> slots_;
    std::uint32_t free_ = kNone;
    std::size_t cancelled_ = 0;  ///< still among the entries of the wheel
    std::uint64_t next_sequence_ = 0;
    SimTime last_{};
};

}  // namespace megabed
