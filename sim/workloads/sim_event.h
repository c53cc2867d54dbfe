#pragma once

#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/event_queue.h"

#include <cstdint>

namespace megabed {

/// What happens in simulated time; plain data, ordered by an EventQueue.
struct SimEvent {
    enum class Kind : std::uint32_t {
        LaunchEnd,      ///< of a launch whose length was known, and of pauses and overheads
        EpochEnd,       ///< a service launch has lasted long enough
        WarmUpEnd,      ///< statistics start again
        Arrival,        ///< subject: publisher
        RateChange,     ///< subject: publisher
        OpcodeChange,   ///< subject: publisher
        ItemDone,       ///< subject: place among the items being worked on
        MemoryArrival,  ///< subject: memory process
        MemoryRelease,  ///< subject: memory process, detail: its block
    };
    Kind kind{};
    std::uint32_t subject = 0;
    std::uint64_t detail = 0;

    bool operator==(const SimEvent&) const = default;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive_plain(archive, *this);
    }
};

/// Lets processes put events into the simulation's future, and take them back.
class EventScheduler {
public:
    EventScheduler() = default;
    EventScheduler(const EventScheduler&) = delete;
    EventScheduler& operator=(const EventScheduler&) = delete;
    virtual ~EventScheduler() = default;
    [[nodiscard]] virtual SimTime now() const = 0;
    virtual EventHandle schedule(SimTime time, SimEvent event) = 0;
    virtual void cancel(EventHandle handle) = 0;
};

}  // namespace megabed
