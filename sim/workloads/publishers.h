#pragma once

#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/engine/counter_random.h"
#include "sim/scenario.h"
#include "sim/workloads/sim_event.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace megabed {

/// One work item from when it comes to when it is done.
struct ServiceItem {
    SimTime came{};
    SimTime work{};               ///< time on one group, without overheads
    std::uint64_t launch = 0;     ///< number of the launch during which it was published
    std::uint32_t publisher = 0;  ///< who waits for it, of `Publishers`
    std::uint32_t tenant = 0;     ///< counted over all entries and their `count`
    std::uint32_t entry = 0;      ///< of `ServiceWorkload::tenants`
    std::uint32_t opcode = 0;     ///< its place in `Publishers::opcodes`
    std::uint32_t key = 0;        ///< 0: none, else the contended key, unique over all tenants
    std::uint8_t priority = 0;    ///< class, 0 is served first
    bool starved = false;
};

/// Where items come from: every tenant, or every client of a closed loop, is a publisher with a random stream
/// of its own, so that what one draws does not depend on the others or on the policy.
class Publishers {
public:
    /// Requires: both outlive this.
    Publishers(const ServiceWorkload& workload, std::uint64_t seed, EventScheduler& scheduler);

    /// Handles Arrival, RateChange and OpcodeChange. Returns the item that has come, if one has.
    [[nodiscard]] std::optional<ServiceItem> on_event(const SimEvent& event);
    /// An item is done: a client of a closed loop goes on.
    void item_left(const ServiceItem& item);
    /// An item is rejected: as above, but a client that never thinks tries again after the time of an item.
    void item_rejected(const ServiceItem& item);

    [[nodiscard]] std::uint32_t tenants() const { return tenants_; }
    /// The distinct opcodes of all tenants, ascending.
    [[nodiscard]] const std::vector<std::uint32_t>& opcodes() const { return opcodes_; }
    [[nodiscard]] std::uint32_t keys() const { return keys_; }

    /// For checkpoints; scheduled events are part of the event queue.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive_plain_items(archive, publishers_);
    }

private:
    struct Publisher {
        CounterRandom arrivals;  ///< and changes of rate and opcode
        CounterRandom items;
        EventHandle next_arrival{};
        std::uint32_t tenant = 0;
        std::uint32_t entry = 0;
        std::uint32_t first_key = 0;
        std::uint32_t state = 0;      ///< of a modulated process
        std::uint32_t opcode = 0;     ///< place in the tenant's list
        std::uint32_t next_item = 0;  ///< of a trace
    };

    void add_tenant(std::uint32_t entry, std::uint64_t seed);
    void add_publisher(std::uint32_t entry, std::uint64_t seed);
    void schedule(std::uint32_t publisher, SimTime wait, SimEvent::Kind kind);
    void schedule_arrival(std::uint32_t publisher);
    void schedule_rate_change(std::uint32_t publisher);
    void schedule_opcode_change(std::uint32_t publisher);
    [[nodiscard]] ServiceItem draw_item(std::uint32_t number);
    [[nodiscard]] std::uint32_t place_of(std::uint32_t opcode) const;

    const ServiceWorkload& workload_;
    EventScheduler& scheduler_;
    std::vector<Publisher> publishers_;
    std::vector<std::uint32_t> opcodes_;
    std::uint32_t tenants_ = 0;
    std::uint32_t keys_ = 0;
};

}  // namespace megabed
