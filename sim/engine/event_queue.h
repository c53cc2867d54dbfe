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
        while (slots_[entry.slot].sequence == kCancelled) [[unlikely]] {
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

    void forget_cancelled() {
        std::vector<QueueEntry> entries;
        entries.reserve(wheel_.size());
        wheel_.empty_into(entries);
        std::erase_if(entries, [this](const QueueEntry& entry) {
            const bool cancelled = slots_[entry.slot].sequence == kCancelled;
            if (cancelled) {
                release(entry.slot);
            }
            return cancelled;
        });
        cancelled_ = 0;
        wheel_.refill(entries, last_.value());
    }

    EntryWheel wheel_;
    std::vector<Slot> slots_;
    std::uint32_t free_ = kNone;
    std::size_t cancelled_ = 0;  ///< still among the entries of the wheel
    std::uint64_t next_sequence_ = 0;
    SimTime last_{};
};

}  // namespace megabed
