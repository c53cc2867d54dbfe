#include "properties/proof/model/hardened_formulas.h"

#include "policy/launch_recommendation.h"

#include <limits>

namespace megabed::proof::hardened_formulas {
namespace {

using enum DispatchTopology;

constexpr std::uint64_t kCountMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kBytesMax = std::numeric_limits<std::uint64_t>::max();
constexpr int kWhole = kWholeBps;

z3::expr at_least_one(const z3::expr& value) { return most(value, value.ctx().int_val(1)); }

z3::expr bit(const z3::expr& truth, std::uint64_t place) {
    return z3::ite(truth, truth.ctx().int_val(place), truth.ctx().int_val(0));
}

z3::expr latch(Ledger& ledger, const std::string& what, const z3::expr& on, const z3::expr& count,
               const z3::expr& threshold) {
    const z3::expr below = threshold - count;
    {
        const Ledger::Path path(ledger, count < threshold);
        ledger.fits("latch of " + what + ": threshold - count", below, 32);
    }
    return count >= threshold || (on && count > 0 && below <= at_least_one(threshold / 16));
}

/// policy/units.h `div_ceil` for 32 bits.
z3::expr div_ceil(Ledger& ledger, const std::string& what, const z3::expr& count, const z3::expr& width,
                  unsigned bits) {
    const z3::expr whole = ledger.quotient(count, width);
    const z3::expr rest = count - ledger.product(whole, width);
    z3::expr rounded = whole + bit(rest != 0, 1);
    ledger.fits(what + ", rounded up,", rounded, bits);
    return rounded;
}

}  // namespace

Memory memory_from(const Input& input, const megabed::hardened::Memory& values) {
    const auto truth = [&](const char* name, bool value) { return input(name, 1, value ? 1 : 0) == 1; };
    const auto reading = [&](const std::string& name, const std::optional<BasisPoints>& value) {
        return Optional{input(name + " carried", 1, value ? 1 : 0) == 1,
                        input("carried " + name, 16, value.value_or(BasisPoints(0)).value())};
    };
    const int settled = values.settled ? code_of(*values.settled) : kNoTopology;
    return {.settled = input("settled topology + 1", 3, static_cast<std::uint64_t>(settled - kNoTopology)) +
                       kNoTopology,
            .constrained = truth("was constrained", values.constrained),
            .hot_opcodes = truth("were opcodes hot", values.hot_opcodes),
            .hot_windows = truth("were windows hot", values.hot_windows),
            .deep_queue = truth("was the queue deep", values.deep_queue),
            .density = reading("density", values.density),
            .pressure = reading("pressure", values.pressure)};
}

z3::expr valid(const Memory& memory) {
    return memory.settled == kNoTopology ||
           (memory.settled >= code_of(SparseFrontier) && memory.settled <= code_of(FusedDense));
}

z3::expr pack(Ledger& ledger, const Memory& memory) {
    constexpr unsigned kBits = 41;
    const z3::expr flags = bit(memory.constrained, 1U << 3U) + bit(memory.hot_opcodes, 1U << 4U) +
                           bit(memory.hot_windows, 1U << 5U) + bit(memory.deep_queue, 1U << 6U) +
                           bit(memory.density.present, 1U << 7U) + bit(memory.pressure.present, 1U << 8U);
    z3::expr word = memory.settled + 1 + flags + memory.density.or_zero() * ledger.number(1ULL << 9U) +
                    memory.pressure.or_zero() * ledger.number(1ULL << 25U);
    // An enumerator counts from 0, so its code is one more, and none has the code 0.
    const z3::expr none = memory.settled == kNoTopology;
    ledger.holds("the settled topology fits 3 bits", none || (memory.settled >= 0 && memory.settled + 1 <= 7));
    ledger.fits("the state word", word, kBits);
    return word;
}

z3::expr accepts(Ledger& ledger, const Parameters& parameters) {
    const z3::expr& width = parameters.hysteresis;
    const z3::expr sparse_end = parameters.sparse + 2 * width;
    const z3::expr dense_end = parameters.dense + width;
    ledger.fits("parameter check: sparse + 2 x hysteresis + 1", sparse_end + 1, 32);
    ledger.fits("parameter check: dense + hysteresis", dense_end, 32);
    const z3::expr wrong = width > int{kHysteresisMaxBps} || parameters.sparse <= width ||
                           sparse_end >= parameters.dense || dense_end >= kWhole ||
                           parameters.memory <= width || parameters.memory > kWhole ||
                           parameters.multiplier == 0 || parameters.waves == 0;
    return !wrong;
}

CapacityRange capacity_range(Ledger& ledger, const Parameters& parameters, const Request& request) {
    const z3::expr asked = request.hit_capacity.or_zero();
    const z3::expr hits = request.queue * at_least_one(request.expected_hits);
    const z3::expr multiplied = hits * parameters.multiplier;
    ledger.fits("capacity range: queue x hits", hits, 128);
    ledger.fits("capacity range: queue x hits x multiplier", multiplied, 128);
    const z3::expr tight = z3::ite(asked != 0, asked, most(hits, parameters.min_hit_capacity));
    const z3::expr full = z3::ite(asked != 0, asked, most(multiplied, parameters.min_hit_capacity));
    ledger.holds("capacity range: full is at least tight", full >= tight);
    ledger.fits("capacity range: tight", tight, 64);
    ledger.fits("capacity range: full", full, 96);
    return {tight, full};
}

Readings infer(Ledger& ledger, const Parameters& parameters, const Request& request,
               const CapacityRange& range) {
    const z3::expr zero = ledger.number(0);
    const z3::expr nodes = request.nodes.or_zero();
    const z3::expr budget = request.budget.or_zero();
    const z3::expr has_density = request.queue != 0 && nodes != 0;
    const z3::expr has_pressure = budget != 0;
    Readings inferred{zero, zero};
    {
        const Ledger::Path path(ledger, has_density);
        const z3::expr share = at_least_one(ratio_floor(ledger, "density inference", request.queue, nodes));
        inferred.density = z3::ite(has_density, share, zero);
    }
    {
        const Ledger::Path path(ledger, has_pressure);
        const z3::expr scratch = least(range.full, ledger.number(kCountMax)) * parameters.scratch;
        const z3::expr needed = request.resident + scratch;
        ledger.fits("pressure inference: full x scratch", scratch, 128);
        ledger.fits("pressure inference: resident + scratch", needed, 128);
        const z3::expr part = least(needed, ledger.number(kBytesMax));
        ledger.fits("pressure inference: bytes needed", part, 64);
        inferred.pressure =
            z3::ite(has_pressure, ratio_floor(ledger, "pressure inference", part, budget), zero);
    }
    ledger.holds("inferences are at most 10000 bps", inferred.density <= kWhole && inferred.pressure <= kWhole);
    return inferred;
}

Readings take_readings(const Request& request, const Memory& memory, const Readings& inferred) {
    const auto take = [](const Optional& read, const Optional& carried, const z3::expr& otherwise) {
        return z3::ite(read.present, read.value, z3::ite(carried.present, carried.value, otherwise));
    };
    return {take(request.density, memory.density, inferred.density),
            take(request.pressure, memory.pressure, inferred.pressure)};
}

namespace {

/// What the latches and the last readings become with this request.
Memory remember(Ledger& ledger, const Parameters& parameters, const Request& request, const Memory& memory) {
    const auto latest = [](const Optional& read, const Optional& carried) {
        return Optional{read.present || carried.present, z3::ite(read.present, read.value, carried.value)};
    };
    return {.settled = memory.settled,
            .constrained = memory.constrained,
            .hot_opcodes =
                latch(ledger, "hot opcodes", memory.hot_opcodes, request.hot_opcodes, parameters.hot_opcodes),
            .hot_windows =
                latch(ledger, "hot windows", memory.hot_windows, request.hot_windows, parameters.hot_windows),
            .deep_queue = latch(ledger, "queue depth", memory.deep_queue, request.queue, parameters.jit_queue),
            .density = latest(request.density, memory.density),
            .pressure = latest(request.pressure, memory.pressure)};
}

Choice choose_frontier(Ledger& ledger, const Parameters& parameters, const Request& request,
                       const z3::expr& density, const Memory& memory, const Memory& seen) {
    const auto number = [&](auto value) { return ledger.context().int_val(code_of(value)); };
    const z3::expr was_fused = memory.settled == code_of(FusedDense);
    const z3::expr settled = z3::ite(was_fused, number(DenseFrontier), memory.settled);
    const z3::expr zero = ledger.number(0);
    const Signals signals{ledger.number(1), density, zero, zero, zero, ledger.context().bool_val(false)};
    const Stabilised stabilised = stabilised_topology(ledger, parameters, signals, settled);
    ledger.holds("the frontier's hysteresis never fails", !stabilised.failing.failed);
    const Choice& choice = stabilised.choice;
    const z3::expr graph = z3::ite(request.nodes.present, request.nodes.value > 0, was_fused);
    const z3::expr large =
        z3::ite(request.edges.present,
                latch(ledger, "edges", was_fused, request.edges.value, parameters.fusion_edges), was_fused);
    const z3::expr at_dense = density >= parameters.dense;
    const z3::expr fused = choice.topology == code_of(DenseFrontier) && graph && large &&
                           (seen.hot_opcodes || seen.hot_windows) && (at_dense || was_fused);
    const z3::expr held = choice.hold != code_of(TopologyHold::None);
    const Choice fusing{number(FusedDense),
                        z3::ite(at_dense, number(TopologyRule::DenseLargeAndHot), choice.rule),
                        z3::ite(held, number(TopologyHold::FusedBelowThreshold), number(TopologyHold::None))};
    return choose(fused, fusing, choice);
}

/// Each member from one memory or the other.
Memory choose(const z3::expr& condition, const Memory& yes, const Memory& no) {
    const auto either = [&](const z3::expr& left, const z3::expr& right) {
        return z3::ite(condition, left, right);
    };
    return {either(yes.settled, no.settled),
            either(yes.constrained, no.constrained),
            either(yes.hot_opcodes, no.hot_opcodes),
            either(yes.hot_windows, no.hot_windows),
            either(yes.deep_queue, no.deep_queue),
            {either(yes.density.present, no.density.present), either(yes.density.value, no.density.value)},
            {either(yes.pressure.present, no.pressure.present), either(yes.pressure.value, no.pressure.value)}};
}

}  // namespace

Chosen choose_topology(Ledger& ledger, const Parameters& parameters, const Request& request,
                       const Readings& readings, const Memory& memory) {
    const auto number = [&](auto value) { return ledger.context().int_val(code_of(value)); };
    Memory seen = remember(ledger, parameters, request, memory);
    const Choice frontier = choose_frontier(ledger, parameters, request, readings.density, memory, seen);

    const z3::expr pressed = readings.pressure >= parameters.memory;
    const z3::expr relieved_below = parameters.memory - parameters.hysteresis;
    ledger.fits("memory hold: threshold - hysteresis", relieved_below, 16);
    seen.constrained = pressed || (memory.constrained && readings.pressure >= relieved_below);
    const Choice constrained{
        number(MemoryConstrained), z3::ite(pressed, number(TopologyRule::PressureAtThreshold), frontier.rule),
        z3::ite(pressed, number(TopologyHold::None), number(TopologyHold::MemoryNotYetRelieved))};
    const z3::expr empty = request.queue == 0;
    const Choice nothing{number(Empty), number(TopologyRule::QueueEmpty), number(TopologyHold::None)};
    seen.settled = z3::ite(empty || seen.constrained, memory.settled, frontier.topology);
    const Choice choice = proof::choose(empty, nothing, proof::choose(seen.constrained, constrained, frontier));
    return {.choice = choice,
            .frontier = frontier.topology,
            .seen = seen,
            .next = choose(empty, memory, seen),
            .jit = seen.hot_opcodes || seen.hot_windows || seen.deep_queue ||
                   choice.topology == code_of(FusedDense)};
}

z3::expr shed_groups(Ledger& ledger, const Parameters& parameters, const Request& request,
                     const z3::expr& topology, const z3::expr& frontier, const Readings& readings,
                     const z3::expr& groups) {
    const z3::expr sparse = frontier == code_of(SparseFrontier) && request.nodes.or_zero() != 0;
    z3::expr share = groups;
    {
        const Ledger::Path path(ledger, sparse);
        // From the mildest step up: the last divisor that leaves density x divisor within the threshold wins.
        for (const int divisor : {2, 4, 8}) {
            const z3::expr scaled = readings.density * divisor;
            ledger.fits("sparse shedding: density x divisor", scaled, 32);
            const z3::expr part = div_ceil(ledger, "sparse shedding: groups / divisor", groups,
                                           ledger.context().int_val(divisor), 32);
            share = z3::ite(scaled <= parameters.sparse, part, share);
        }
    }
    const z3::expr floor = least(groups, ledger.number(32));
    const z3::expr kept = z3::ite(sparse, most(share, floor), groups);

    const z3::expr constrained = topology == code_of(MemoryConstrained);
    const z3::expr left = kWhole - parameters.memory;
    const z3::expr above = readings.pressure - parameters.memory;
    const z3::expr over = z3::ite(readings.pressure > parameters.memory, above, ledger.number(0));
    const z3::expr third = least(over * 3 / at_least_one(left), ledger.number(2));
    const z3::expr eighths = 6 - third;
    const z3::expr scaled = groups * eighths;
    const z3::expr cap = scaled / 8;
    {
        const Ledger::Path path(ledger, constrained);
        ledger.fits("memory shedding: 10000 - threshold", left, 32);
        ledger.fits("memory shedding: pressure above threshold", over, 32);
        ledger.fits("memory shedding: over x 3", over * 3, 32);
        ledger.holds("memory shedding: 4 to 6 eighths are kept", eighths >= 4 && eighths <= 6);
        ledger.fits("memory shedding: groups x eighths", scaled, 64);
        ledger.fits("memory shedding: groups x eighths / 8", cap, 32);
    }
    z3::expr answer = z3::ite(constrained, at_least_one(least(kept, cap)), kept);
    ledger.holds("shedding keeps 1 to all groups", answer >= 1 && answer <= groups);
    return answer;
}

z3::expr unshed_groups(Ledger& ledger, const Parameters& parameters, const Request& request) {
    const z3::expr asked = request.groups.or_zero();
    const z3::expr wished = z3::ite(asked != 0, asked, default_groups(ledger, parameters, request));
    z3::expr groups = least(wished, request.max_groups);
    ledger.fits("groups", groups, 32);
    ledger.holds("groups are at least 1", groups >= 1);
    return groups;
}

Grid size_grid(Ledger& ledger, const Parameters& parameters, const Request& request, const z3::expr& groups,
               const z3::expr& kept) {
    const z3::expr end = ledger.number(kCountMax);
    const z3::expr limit = least(request.max_lanes, request.max_invocations);
    const z3::expr warps = div_ceil(ledger, "lanes: groups / 32", groups, ledger.context().int_val(32), 64);
    const z3::expr wanted = warps * 32;
    const z3::expr whole_warps = limit / 32 * 32;
    const z3::expr lanes = z3::ite(limit < 32, limit, least(wanted, whole_warps));
    ledger.fits("lanes: groups rounded up to warps", wanted, 64);
    ledger.fits("lanes: the limit rounded down to warps", whole_warps, 32);
    ledger.fits("lanes", lanes, 32);
    ledger.holds("lanes are 1 to the limit (O4)", lanes >= 1 && lanes <= limit);

    const z3::expr items = at_least_one(request.queue);
    const z3::expr blocks = div_ceil(ledger, "slots: queue / lanes", items, lanes, 32);
    const z3::expr slots = ledger.product(blocks, lanes);
    ledger.fits("slots: blocks x lanes", slots, 64);
    ledger.holds("slots are the queue rounded up to whole blocks (O2, O3)",
                 slots >= items && slots < items + lanes);
    const Failing failing = failing_if(slots > end, ErrorCode::CapacityOverflow, ErrorField::Slots, slots, end);
    {
        const Ledger::Path path(ledger, !failing.failed);
        ledger.fits("slots, once checked,", slots, 32);
    }
    const z3::expr grid = least(least(blocks, kept), parameters.dispatch_max);
    ledger.fits("grid", grid, 32);
    return {groups, kept, lanes, slots, grid, failing};
}

z3::expr classify(Ledger& ledger, const Parameters& parameters, const Request& request, const z3::expr& groups,
                  const z3::expr& lanes) {
    const auto number = [&](QueuePressure value) { return ledger.context().int_val(code_of(value)); };
    const z3::expr waiting = request.queue + request.requeues;
    const z3::expr width = least(groups, parameters.dispatch_max) * lanes;
    const z3::expr saturated_from = width * parameters.waves;
    ledger.fits("pressure class: queue + requeues", waiting, 128);
    ledger.fits("pressure class: groups x lanes", width, 128);
    ledger.fits("pressure class: groups x lanes x waves", saturated_from, 128);
    const z3::expr busy =
        z3::ite(waiting >= width, number(QueuePressure::Balanced), number(QueuePressure::Light));
    const z3::expr queued = z3::ite(waiting >= saturated_from, number(QueuePressure::Saturated), busy);
    return z3::ite(request.queue == 0, number(QueuePressure::Empty), queued);
}

Fit fit_capacity(Ledger& ledger, const Parameters& parameters, const Request& request,
                 const CapacityRange& range, const z3::expr& constrained) {
    const z3::expr count_end = ledger.number(kCountMax);
    const z3::expr bytes_end = ledger.number(kBytesMax);
    const z3::expr queued = request.queue != 0;
    const z3::expr budget = request.budget.or_zero();
    const z3::expr limit = z3::ite(budget != 0, budget, bytes_end);
    const z3::expr tight_scratch = range.tight * parameters.scratch;
    const z3::expr tight_peak = request.resident + tight_scratch;
    const Failing too_many = failing_if(queued && range.tight > count_end, ErrorCode::CapacityOverflow,
                                        ErrorField::HitCapacity, least(range.tight, bytes_end), count_end);
    const z3::expr no_fit = queued && tight_peak > limit;
    const Failing out_of_memory = failing_if(no_fit && budget != 0, ErrorCode::OutOfMemory,
                                             ErrorField::PeakDeviceBytes, least(tight_peak, bytes_end), budget);
    const Failing too_large = failing_if(no_fit && budget == 0, ErrorCode::CapacityOverflow,
                                         ErrorField::PeakDeviceBytes, bytes_end, bytes_end);
    const Failing failing = first_of(too_many, first_of(out_of_memory, too_large));

    const z3::expr left = limit - request.resident;
    const z3::expr room = z3::ite(parameters.scratch == 0, count_end, left / parameters.scratch);
    const z3::expr generous = least(least(range.full, most(range.tight, room)), count_end);
    const z3::expr capacity = z3::ite(constrained, range.tight, generous);
    const z3::expr scratch = capacity * parameters.scratch;
    const z3::expr peak = request.resident + scratch;
    {
        const Ledger::Path path(ledger, queued && !too_many.failed);
        ledger.fits("fit: tight x scratch", tight_scratch, 128);
        ledger.fits("fit: resident + tight x scratch", tight_peak, 128);
    }
    {
        const Ledger::Path path(ledger, queued && !failing.failed);
        ledger.fits("fit: limit - resident", left, 64);
        ledger.fits("fit: capacity", capacity, 32);
        ledger.fits("fit: capacity x scratch", scratch, 64);
        ledger.fits("fit: resident + capacity x scratch", peak, 64);
        ledger.holds("fit: the peak is within the budget (O5a)", z3::implies(budget != 0, peak <= budget));
    }
    return {z3::ite(queued, capacity, ledger.number(0)), z3::ite(queued, peak, request.resident), failing};
}

Answer recommend(Ledger& ledger, const Parameters& parameters, const Request& request, const Memory& memory) {
    const CapacityRange range = capacity_range(ledger, parameters, request);
    const Readings inferred = infer(ledger, parameters, request, range);
    const Readings readings = take_readings(request, memory, inferred);
    const Chosen chosen = choose_topology(ledger, parameters, request, readings, memory);
    const z3::expr& topology = chosen.choice.topology;
    const z3::expr groups = unshed_groups(ledger, parameters, request);
    const z3::expr kept = shed_groups(ledger, parameters, request, topology, chosen.frontier, readings, groups);
    const Grid grid = size_grid(ledger, parameters, request, groups, kept);
    const Fit fit = fit_capacity(ledger, parameters, request, range, topology == code_of(MemoryConstrained));
    return {.failing = first_of(zero_limit(request), first_of(grid.failing, fit.failing)),
            .chosen = chosen,
            .grid = grid,
            .fit = fit,
            .pressure = classify(ledger, parameters, request, groups, grid.lanes),
            .age = request.requeues > 0 || request.priority_age >= parameters.priority_age,
            .next = pack(ledger, chosen.next)};
}

}  // namespace megabed::proof::hardened_formulas
