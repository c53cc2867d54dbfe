#pragma once

#include "policy/units.h"

#include <cassert>
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace megabed {

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
    void push(SimTime time, Payload payload) {
        assert(time >= last_);
        events_.push(Event{time, next_sequence_++, std::move(payload)});
    }
    /// Requires: not empty.
    Event pop() {
        Event event = events_.top();
        events_.pop();
        assert(event.time >= last_);
        last_ = event.time;
        return event;
    }
    [[nodiscard]] bool empty() const { return events_.empty(); }
    [[nodiscard]] std::size_t size() const { return events_.size(); }
    /// Requires: not empty.
    [[nodiscard]] SimTime next_time() const { return events_.top().time; }

private:
    struct Later {
        bool operator()(const Event& left, const Event& right) const {
            return left.time != right.time ? left.time > right.time : left.sequence > right.sequence;
        }
    };
    std::priority_queue<Event, std::vector<Event>, Later> events_;
    std::uint64_t next_sequence_ = 0;
    SimTime last_{};
};

}  // namespace megabed
