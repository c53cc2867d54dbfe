#pragma once

#include "policy/error.h"
#include "policy/launch_parameters.h"
#include "policy/launch_request.h"
#include "policy/topology.h"
#include "properties/proof/model/ledger.h"

#include <z3++.h>
#include <cstdint>
#include <functional>
#include <string>

namespace megabed::proof {

/// Makes an input of a model: a symbol of `bits` bits by its name, or the numeral `value`.
using Input = std::function<z3::expr(const std::string& name, unsigned bits, std::uint64_t value)>;
[[nodiscard]] Input symbols_in(Ledger& ledger);
[[nodiscard]] Input numerals_in(Ledger& ledger);

/// LaunchPolicyParameters as formulas.
struct Parameters {
    z3::expr sparse, dense, memory, hysteresis;
    z3::expr min_hit_capacity, multiplier, waves;
    z3::expr hot_opcodes, hot_windows, jit_queue, priority_age, fusion_edges, scratch;
    z3::expr occupancy_divisor, dispatch_max, powerful_invocations, powerful_groups;
};
[[nodiscard]] Parameters parameters_from(const Input& input, const LaunchPolicyParameters& values = {});

/// What law O6 accepts.
[[nodiscard]] z3::expr valid(const Parameters& parameters);

/// A reading that may be absent.
struct Optional {
    z3::expr present;
    z3::expr value;

    [[nodiscard]] z3::expr or_zero() const { return z3::ite(present, value, value.ctx().int_val(0)); }
};

/// LaunchRequest as formulas.
struct Request {
    z3::expr queue, max_lanes, max_groups, max_invocations, expected_hits;
    z3::expr hot_opcodes, hot_windows, requeues, priority_age, resident;
    Optional groups, hit_capacity, nodes, edges, density, pressure, budget;
};
[[nodiscard]] Request request_from(const Input& input, const LaunchRequest& values = {});

/// A topology by number and why. `kNoTopology` stands for none.
struct Choice {
    z3::expr topology, rule, hold;
};
inline constexpr int kNoTopology = -1;

/// A typed error, if `failed`.
struct Failing {
    z3::expr failed, code, field, actual, limit;
};
[[nodiscard]] Failing failing_if(const z3::expr& failed, ErrorCode code, ErrorField field,
                                 const z3::expr& actual, const z3::expr& limit);
[[nodiscard]] Failing never_failing(z3::context& context);
/// The first of two errors on the way.
[[nodiscard]] Failing first_of(const Failing& earlier, const Failing& later);

/// The number of an enumerator.
template <class Enumeration>
[[nodiscard]] constexpr int code_of(Enumeration value) {
    return static_cast<int>(value);
}

/// The first limit that is 0.
[[nodiscard]] Failing zero_limit(const Request& request);

/// policy/units.h `ratio_floor`, with what its two branches must fit.
[[nodiscard]] z3::expr ratio_floor(Ledger& ledger, const std::string& what, const z3::expr& part,
                                   const z3::expr& whole);

/// policy/sizing.h `default_worker_groups_from_limits`.
[[nodiscard]] z3::expr default_groups(Ledger& ledger, const Parameters& parameters, const Request& request);

/// The readings that choose a topology, as the code's `TopologySignals`.
struct Signals {
    z3::expr queue, density, pressure, nodes, edges, hot;
};
/// policy/topology.h `raw_topology`.
[[nodiscard]] Choice raw_topology(const Parameters& parameters, const Signals& signals);

/// policy/topology.h `stabilised_topology`; `previous` is a number or `kNoTopology`.
struct Stabilised {
    Choice choice;
    Failing failing;
};
[[nodiscard]] Stabilised stabilised_topology(Ledger& ledger, const Parameters& parameters,
                                             const Signals& signals, const z3::expr& previous);

/// A choice made field by field.
[[nodiscard]] Choice choose(const z3::expr& condition, const Choice& yes, const Choice& no);

}  // namespace megabed::proof
