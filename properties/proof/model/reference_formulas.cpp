#include "properties/proof/model/reference_formulas.h"

#include "policy/launch_recommendation.h"

#include <limits>

namespace megabed::proof::reference_formulas {
namespace {

constexpr std::uint64_t kCountMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kBytesMax = std::numeric_limits<std::uint64_t>::max();
constexpr int kWhole = kWholeBps;

z3::expr at_least_one(const z3::expr& value) { return most(value, value.ctx().int_val(1)); }

/// policy/units.h: a 32-bit sum or product that stops at the largest value.
z3::expr saturated(Ledger& ledger, const z3::expr& exact) { return least(exact, ledger.number(kCountMax)); }

z3::expr shed_under_pressure(Ledger& ledger, const Parameters& parameters, const Effective& effective) {
    const z3::expr& threshold = parameters.memory;
    const z3::expr left = kWhole - threshold;
    const z3::expr span = at_least_one(left);
    const z3::expr above = effective.signals.pressure - threshold;
    const z3::expr zero = ledger.number(0);
    const z3::expr over = least(z3::ite(effective.signals.pressure > threshold, above, zero), span);
    const z3::expr more = over * 2500;
    const z3::expr shed = 2500 + more / span;
    const z3::expr keep = kWhole - shed;
    const z3::expr scaled = effective.groups * keep;
    ledger.fits("memory shedding: 10000 - threshold", left, 32);
    {
        const Ledger::Path path(ledger, effective.signals.pressure > threshold);
        ledger.fits("memory shedding: pressure - threshold", above, 32);
    }
    ledger.fits("memory shedding: over x 2500", more, 32);
    ledger.fits("memory shedding: 2500 + over x 2500 / span", shed, 32);
    ledger.fits("memory shedding: 10000 - shed", keep, 32);
    ledger.holds("memory shedding keeps 5000 to 7500 bps", keep >= 5000 && keep <= 7500);
    ledger.fits("memory shedding: requested x keep", scaled, 64);
    ledger.fits("memory shedding: requested x keep / 10000", scaled / kWhole, 32);
    return at_least_one(scaled / kWhole);
}

z3::expr shed_when_sparse(Ledger& ledger, const Parameters& parameters, const Effective& effective) {
    const z3::expr& requested = effective.groups;
    const z3::expr span = at_least_one(parameters.sparse);
    const z3::expr density = least(at_least_one(effective.signals.density), span);
    const z3::expr scaled = requested * density;
    ledger.fits("sparse shedding: requested x density", scaled, 64);
    ledger.fits("sparse shedding: requested x density / span", scaled / span, 32);
    const z3::expr floor = least(requested, ledger.number(32));
    return least(most(scaled / span, floor), requested);
}

}  // namespace

Effective infer_missing_signals(Ledger& ledger, const Parameters& parameters, const Request& request) {
    const z3::expr nodes = request.nodes.or_zero();
    const z3::expr budget = request.budget.or_zero();
    const z3::expr hot_opcodes = request.hot_opcodes >= parameters.hot_opcodes;
    const z3::expr hot_windows = request.hot_windows >= parameters.hot_windows;

    const z3::expr density = request.density.or_zero();
    const z3::expr infer_density = density == 0 && request.queue != 0 && nodes != 0;
    z3::expr inferred_density = density;
    {
        const Ledger::Path path(ledger, infer_density);
        inferred_density = at_least_one(ratio_floor(ledger, "density inference", request.queue, nodes));
        ledger.holds("an inferred density is 1 to 10000 bps",
                     inferred_density >= 1 && inferred_density <= kWhole);
    }
    const z3::expr pressure = request.pressure.or_zero();
    const z3::expr infer_pressure = pressure == 0 && budget != 0;
    z3::expr inferred_pressure = pressure;
    {
        const Ledger::Path path(ledger, infer_pressure);
        inferred_pressure = ratio_floor(ledger, "pressure inference", request.resident, budget);
        ledger.holds("an inferred pressure is 0 to 10000 bps",
                     inferred_pressure >= 0 && inferred_pressure <= kWhole);
    }
    return {.signals = {.queue = request.queue,
                        .density = z3::ite(infer_density, inferred_density, density),
                        .pressure = z3::ite(infer_pressure, inferred_pressure, pressure),
                        .nodes = nodes,
                        .edges = request.edges.or_zero(),
                        .hot = hot_opcodes || hot_windows},
            .groups = request.groups.or_zero(),
            .budget = budget,
            .hot_opcodes = hot_opcodes,
            .hot_windows = hot_windows};
}

Outcome shed_worker_groups(Ledger& ledger, const Parameters& parameters, const z3::expr& topology,
                           const Effective& effective) {
    const z3::expr many = effective.groups > 1;
    const z3::expr pressed =
        many && topology == code_of(DispatchTopology::MemoryConstrained) && effective.signals.pressure != 0;
    const z3::expr sparse = many && topology == code_of(DispatchTopology::SparseFrontier) &&
                            effective.signals.nodes != 0 && effective.signals.density != 0;
    const z3::expr out = pressed && parameters.memory > kWhole;
    z3::expr groups = effective.groups;
    {
        const Ledger::Path path(ledger, pressed && !out);
        groups = z3::ite(pressed, shed_under_pressure(ledger, parameters, effective), groups);
    }
    {
        const Ledger::Path path(ledger, sparse);
        groups = z3::ite(sparse, shed_when_sparse(ledger, parameters, effective), groups);
    }
    ledger.holds("shedding never adds groups and never sheds the last",
                 z3::implies(!out, groups <= effective.groups && (effective.groups == 0 || groups >= 1)));
    return {groups, failing_if(out, ErrorCode::ThresholdOutOfRange, ErrorField::MemoryPressureThreshold,
                               parameters.memory, ledger.number(kWhole))};
}

Grid pad_slots(Ledger& ledger, const Parameters& parameters, const z3::expr& queue, const z3::expr& groups,
               const z3::expr& lanes) {
    const z3::expr end = ledger.number(kCountMax);
    const z3::expr items = at_least_one(queue);
    const z3::expr rounded_up = items + lanes - 1;
    const z3::expr tiles = at_least_one(ledger.quotient(saturated(ledger, rounded_up), lanes));
    const z3::expr padded = ledger.product(tiles, lanes);
    const z3::expr slots = saturated(ledger, padded);
    ledger.fits("slot padding: width - 1", lanes - 1, 32);
    ledger.fits("slot padding: the product before it saturates", padded, 64);
    ledger.holds("slot padding: the saturating product never saturates", padded <= end);

    const z3::expr rounded_again = slots + lanes - 1;
    const z3::expr filled = at_least_one(ledger.quotient(saturated(ledger, rounded_again), lanes));
    const z3::expr grid = least(least(filled, at_least_one(groups)), parameters.dispatch_max);
    ledger.holds("grid: rounding padded slots up again changes nothing, saturated or not", filled == tiles);
    const z3::expr all_lanes = ledger.product(grid, lanes);
    ledger.fits("grid x lanes", all_lanes, 64);
    ledger.holds("grid x lanes is at most the slots, so it fits 32 bits", all_lanes <= slots && slots <= end);

    const z3::expr exact = ledger.product(ledger.quotient(rounded_up, lanes), lanes);
    ledger.holds("slots are exact wherever exact slots fit 32 bits (O2)",
                 z3::implies(exact <= end, slots == exact));
    ledger.holds("slots are fewer than the queue exactly where exact slots leave 32 bits (the break of O2, O3)",
                 (exact > end) == (slots < queue));
    ledger.holds("the saturating sum saturates without harm unless exact slots leave 32 bits",
                 z3::implies(rounded_up > end && slots != exact, exact > end));
    return {groups, lanes, slots, grid};
}

Grid size_grid(Ledger& ledger, const Parameters& parameters, const Request& request, const z3::expr& asked) {
    const z3::expr wished = z3::ite(asked != 0, asked, default_groups(ledger, parameters, request));
    const z3::expr groups = at_least_one(least(wished, request.max_groups));
    const z3::expr lanes = least(groups, at_least_one(request.max_lanes));
    ledger.fits("worker groups", groups, 32);
    ledger.holds("worker groups and lanes are at least 1", groups >= 1 && lanes >= 1 && lanes <= groups);
    return pad_slots(ledger, parameters, request.queue, groups, lanes);
}

Outcome classify_pressure(Ledger& ledger, const Parameters& parameters, const Request& request,
                          const z3::expr& lanes) {
    const z3::expr end = ledger.number(kBytesMax);
    const z3::expr width = at_least_one(lanes);
    const z3::expr saturated_from = width * parameters.waves;
    const z3::expr out = request.queue != 0 && saturated_from > end;
    ledger.fits("pressure class: lanes x waves in 128 bits", saturated_from, 128);
    ledger.holds("pressure class: lanes x waves fits u64, so its overflow error cannot occur", !out);
    const auto is = [&](QueuePressure pressure) { return ledger.context().int_val(code_of(pressure)); };
    const z3::expr full = request.requeues > 0 || request.queue >= saturated_from;
    const z3::expr busy =
        z3::ite(request.queue >= width, is(QueuePressure::Balanced), is(QueuePressure::Light));
    const z3::expr queued = z3::ite(full, is(QueuePressure::Saturated), busy);
    return {z3::ite(request.queue == 0, is(QueuePressure::Empty), queued),
            failing_if(out, ErrorCode::CapacityOverflow, ErrorField::PressureLanes, end, end)};
}

Outcome hit_capacity(Ledger& ledger, const Parameters& parameters, const Request& request,
                     const z3::expr& pressure) {
    const z3::expr end = ledger.number(kCountMax);
    const z3::expr asked = request.hit_capacity.or_zero();
    const z3::expr multiplier = z3::ite(pressure >= parameters.memory, ledger.number(1), parameters.multiplier);
    const z3::expr hits = request.queue * at_least_one(request.expected_hits);
    const z3::expr capacity = hits * multiplier;
    const z3::expr derived = asked == 0;
    const Ledger::Path path(ledger, derived);
    ledger.fits("hit capacity: queue x hits", hits, 64);
    const auto overflow = [&](const z3::expr& failed, const z3::expr& actual) {
        return failing_if(derived && failed, ErrorCode::CapacityOverflow, ErrorField::HitCapacity, actual, end);
    };
    const Failing failing = first_of(overflow(hits > end, hits), overflow(capacity > end, capacity));
    {
        const Ledger::Path checked(ledger, hits <= end);
        ledger.fits("hit capacity: hits x multiplier, once hits are checked,", capacity, 64);
    }
    const z3::expr answer = most(capacity, parameters.min_hit_capacity);
    {
        const Ledger::Path checked(ledger, !failing.failed);
        ledger.fits("hit capacity, once checked,", answer, 32);
    }
    return {z3::ite(derived, answer, asked), failing};
}

Outcome peak_bytes(Ledger& ledger, const Parameters& parameters, const Request& request,
                   const z3::expr& capacity, const z3::expr& budget) {
    const z3::expr end = ledger.number(kBytesMax);
    const z3::expr scratch = capacity * parameters.scratch;
    const z3::expr peak = request.resident + scratch;
    ledger.fits("peak: capacity x scratch", scratch, 64);
    ledger.fits("peak: the largest 64-bit number - scratch", end - scratch, 64);
    const z3::expr out = request.resident > end - scratch;
    {
        const Ledger::Path checked(ledger, !out);
        ledger.fits("peak: resident + scratch, once checked,", peak, 64);
    }
    return {peak, first_of(failing_if(out, ErrorCode::CapacityOverflow, ErrorField::PeakDeviceBytes, end, end),
                           failing_if(budget != 0 && peak > budget, ErrorCode::OutOfMemory,
                                      ErrorField::PeakDeviceBytes, peak, budget))};
}

Answer recommend(Ledger& ledger, const Parameters& parameters, const Request& request,
                 const z3::expr& previous) {
    const Effective effective = infer_missing_signals(ledger, parameters, request);
    const Stabilised stabilised = stabilised_topology(ledger, parameters, effective.signals, previous);
    const z3::expr& topology = stabilised.choice.topology;
    const Outcome groups = shed_worker_groups(ledger, parameters, topology, effective);
    const Grid grid = size_grid(ledger, parameters, request, groups.value);
    const z3::expr lanes = ledger.product(grid.grid_x, grid.lanes);
    const Outcome pressure = classify_pressure(ledger, parameters, request, lanes);
    const Outcome capacity = hit_capacity(ledger, parameters, request, effective.signals.pressure);
    const Outcome peak = peak_bytes(ledger, parameters, request, capacity.value, effective.budget);
    Failing failing = stabilised.failing;
    for (const Failing& next :
         {groups.failing, zero_limit(request), pressure.failing, capacity.failing, peak.failing}) {
        failing = first_of(failing, next);
    }
    return {.failing = failing,
            .choice = stabilised.choice,
            .grid = grid,
            .capacity = capacity.value,
            .peak = peak.value,
            .budget = effective.budget,
            .pressure = pressure.value,
            .jit = request.queue >= parameters.jit_queue || effective.signals.hot ||
                   topology == code_of(DispatchTopology::FusedDense),
            .hot_opcodes = effective.hot_opcodes,
            .hot_windows = effective.hot_windows,
            .age = request.requeues > 0 || request.priority_age >= parameters.priority_age};
}

}  // namespace megabed::proof::reference_formulas
