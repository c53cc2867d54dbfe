#pragma once

#include "policy/units.h"
#include "sim/scenario.h"

#include <boost/random/mersenne_twister.hpp>
#include <cstdint>
#include <optional>

namespace megabed {

/// What one publisher asks for next.
struct ArrivingItem {
    std::uint32_t opcode = 0;  ///< as the scenario names it
    SimTime work{};
    std::uint32_t key = 0;  ///< 0: none; else 1 to the tenant's `contended_keys`
};

/// The random process of one publisher: one of the `count` of an entry of the scenario's list of tenants.
/// A function of the seed and of what is asked of it, in order.
class TenantArrivals {
public:
    /// `stream`: the publisher's place among all. Requires: `tenant` and `workload` outlive this.
    TenantArrivals(const Tenant& tenant, const ServiceWorkload& workload, std::uint64_t seed,
                   std::uint64_t stream);

    /// When the next item comes, for open arrivals and traces; `after` is when the last one came, 0 at first.
    /// Absent: never, or, for clients, only when one of them has thought.
    [[nodiscard]] std::optional<SimTime> next(SimTime after);
    /// How long a client thinks.
    [[nodiscard]] SimTime think();
    /// The item that comes at `time`. Times must not go back.
    [[nodiscard]] ArrivingItem item(SimTime time);

    [[nodiscard]] std::uint32_t clients() const;

private:
    [[nodiscard]] double exponential(double mean);
    [[nodiscard]] SimTime exponential_time(SimTime mean);
    [[nodiscard]] std::uint64_t below(std::uint64_t limit);
    [[nodiscard]] SimTime work_of(const ItemTime& time);
    [[nodiscard]] SimTime next_of(const OpenArrivals& arrivals, SimTime after);

    const Tenant& tenant_;
    const ServiceWorkload& workload_;
    boost::random::mt19937_64 random_;
    std::size_t state_ = 0;
    double state_until_ = -1;  ///< ns; below 0: the first state's length is not drawn yet
    std::size_t trace_at_ = 0;
    std::size_t opcode_at_ = 0;
    SimTime opcode_until_{};
};

}  // namespace megabed
