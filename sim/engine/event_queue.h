#pragma once

#include "policy/units.h"

#include <cassert>
#include <cstdint>
#include <map>
#include <utility>

namespace megabed {

/// Names an event in the queue, whether or not it is still there.
struct EventHandle {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& time& sequence;
    }
};

/// Future events in the order (time, sequence): simultaneous events come out as they went in.
/// `Payload` is a plain struct.
template <class Payload>
class EventQueue {
public:
    struct Event {
        SimTime time{};
        std::uint64_t sequence = 0;
        Payload payload{};
    };

    /// Requires: time is not before the event popped last.
    EventHandle push(SimTime time, Payload payload) {
        assert(time >= last_);
        const EventHandle handle{time.value(), next_sequence_++};
        events_.emplace(std::pair(handle.time, handle.sequence), payload);
        return handle;
    }
    bool cancel(EventHandle handle) { return events_.erase(std::pair(handle.time, handle.sequence)) != 0; }
    /// Requires: not empty.
    Event pop() {
        const auto first = events_.begin();
        Event event{SimTime(first->first.first), first->first.second, first->second};
        events_.erase(first);
        last_ = event.time;
        return event;
    }
    [[nodiscard]] bool empty() const { return events_.empty(); }
    [[nodiscard]] std::size_t size() const { return events_.size(); }
    /// Requires: not empty.
    [[nodiscard]] SimTime next_time() const { return SimTime(events_.begin()->first.first); }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        std::uint64_t size = events_.size();
        archive & size & next_sequence_;
        (void)size;
    }

private:
    std::map<std::pair<std::int64_t, std::uint64_t>, Payload> events_;
    std::uint64_t next_sequence_ = 0;
    SimTime last_{};
};

}  // namespace megabed
