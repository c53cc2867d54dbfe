#include "properties/proof/model/hardened_formulas.h"
#include "properties/proof/model/ledger.h"
#include "properties/proof/model/signals.h"
#include "properties/proof/model/stage.h"
#include "properties/proof/policy_proof.h"

#include <string>
#include <vector>

namespace megabed {
namespace {

using namespace proof;

/// A stage with a memory and with inferences that earlier stages bound by 10000 bps.
class HardenedStage : public Stage {
public:
    explicit HardenedStage(Ledger::Use use = Ledger::Use::Prove)
        : Stage(use),
          memory(hardened_formulas::memory_from(symbols_in(ledger))),
          inferred{ledger.symbol("inferred density", 16), ledger.symbol("inferred pressure", 16)} {
        ledger.assume(hardened_formulas::valid(memory));
        ledger.assume(!zero_limit(request).failed);
    }

    hardened_formulas::Memory memory;
    hardened_formulas::Readings inferred;
};

void prove_parameter_check(std::vector<ProofResult>& results) {
    z3::context context;
    Ledger ledger(context, Ledger::Use::Prove);
    const Parameters parameters = parameters_from(symbols_in(ledger));
    const z3::expr accepts = hardened_formulas::accepts(ledger, parameters);
    ledger.holds("parameters are accepted exactly where O6 says so", accepts == valid(parameters));
    ledger.prove("A", results);
}

void prove_arithmetic(std::vector<ProofResult>& results) {
    {
        HardenedStage stage;
        (void)hardened_formulas::capacity_range(stage.ledger, stage.parameters, stage.request);
        stage.ledger.prove("A", results);
    }
    {
        HardenedStage stage;
        const z3::expr tight = stage.ledger.symbol("tight", 64);
        const hardened_formulas::CapacityRange range{tight, stage.ledger.symbol("full", 96)};
        (void)hardened_formulas::infer(stage.ledger, stage.parameters, stage.request, range);
        stage.ledger.prove("A", results);
    }
    {
        HardenedStage stage;
        const auto readings = hardened_formulas::take_readings(stage.request, stage.memory, stage.inferred);
        const auto chosen = hardened_formulas::choose_topology(stage.ledger, stage.parameters, stage.request,
                                                               readings, stage.memory);
        (void)hardened_formulas::pack(stage.ledger, chosen.next);
        stage.ledger.holds("what is carried is a frontier topology or none",
                           hardened_formulas::valid(chosen.next));
        stage.ledger.prove("A", results);
    }
    {
        HardenedStage stage;
        const z3::expr groups = stage.ledger.symbol("groups", 32);
        stage.ledger.assume(groups >= 1);
        (void)hardened_formulas::shed_groups(stage.ledger, stage.parameters, stage.request,
                                             stage.ledger.symbol("topology", 3),
                                             stage.ledger.symbol("frontier", 3), stage.inferred, groups);
        (void)hardened_formulas::classify(stage.ledger, stage.parameters, stage.request, groups,
                                          stage.ledger.symbol("lanes", 32));
        stage.ledger.prove("A", results);
    }
    {
        HardenedStage stage;
        const z3::expr tight = stage.ledger.symbol("tight", 64);
        const z3::expr full = stage.ledger.symbol("full", 96);
        stage.ledger.assume(full >= tight);
        (void)hardened_formulas::fit_capacity(stage.ledger, stage.parameters, stage.request, {tight, full},
                                              stage.ledger.symbol("constrained", 1) == 1);
        stage.ledger.prove("A", results);
    }
}

void prove_sizing(std::vector<ProofResult>& results) {
    {
        Stage lemmas;
        state_that_multiples_are_ordered(lemmas.ledger);
        lemmas.ledger.prove("L", results);
    }
    {
        HardenedStage stage(Ledger::Use::ProveLinear);
        (void)hardened_formulas::unshed_groups(stage.ledger, stage.parameters, stage.request);
        stage.ledger.prove("B", results);
    }
    {
        HardenedStage stage(Ledger::Use::ProveLinear);
        const z3::expr groups = stage.ledger.symbol("groups", 32);
        const z3::expr kept = stage.ledger.symbol("kept", 32);
        stage.ledger.assume(groups >= 1 && kept >= 1 && kept <= groups);
        (void)hardened_formulas::size_grid(stage.ledger, stage.parameters, stage.request, groups, kept);
        stage.ledger.prove("B", results);
    }
}

/// What jitters from one answer to the next.
enum class Jitter : std::uint8_t { AroundSparse, AroundDense, BelowMemory, Counters, CountersAndQueue };

/// A counter anywhere in [t - max(1, t / 16), t], or as it was where t is 0 or 1.
z3::expr in_counter_band(Ledger& ledger, const std::string& name, const z3::expr& threshold,
                         const z3::expr& steady) {
    z3::expr count = ledger.symbol(name, 32);
    const z3::expr depth = most(threshold / 16, ledger.number(1));
    ledger.assume(z3::ite(threshold >= 2, count >= threshold - depth && count <= threshold, count == steady));
    return count;
}

z3::expr within(Ledger& ledger, const std::string& name, const z3::expr& low, const z3::expr& high) {
    z3::expr reading = ledger.symbol(name, 16);
    ledger.assume(reading >= low && reading <= high);
    return reading;
}

Request jittered(HardenedStage& stage, Jitter jitter, const std::string& step) {
    const z3::expr read = stage.context.bool_val(true);
    const Parameters& parameters = stage.parameters;
    const z3::expr& width = parameters.hysteresis;
    Ledger& ledger = stage.ledger;
    Request request = stage.request;
    switch (jitter) {
    case Jitter::AroundSparse:
        request.density = {
            read, within(ledger, step + " density", parameters.sparse - width, parameters.sparse + width)};
        break;
    case Jitter::AroundDense:
        request.density = {
            read, within(ledger, step + " density", parameters.dense - width, parameters.dense + width)};
        break;
    case Jitter::BelowMemory:
        request.pressure = {read,
                            within(ledger, step + " pressure", parameters.memory - width, parameters.memory)};
        break;
    case Jitter::CountersAndQueue:
        request.queue = in_counter_band(ledger, step + " queue", parameters.jit_queue, request.queue);
        [[fallthrough]];
    case Jitter::Counters:
        request.hot_opcodes =
            in_counter_band(ledger, step + " hot opcodes", parameters.hot_opcodes, request.hot_opcodes);
        request.hot_windows =
            in_counter_band(ledger, step + " hot windows", parameters.hot_windows, request.hot_windows);
        request.edges.value =
            in_counter_band(ledger, step + " edges", parameters.fusion_edges, request.edges.value);
        break;
    }
    return request;
}

/// Two answers in a row from any memory at all. Each statement says in which direction alone a second answer
/// can differ from the first, and that from where it leads nothing leads on: at most one change in any number
/// of steps.
void prove_direction(Jitter jitter, const std::string& prefix, std::vector<ProofResult>& results) {
    HardenedStage stage;
    const auto step = [&](const char* name, const hardened_formulas::Memory& memory) {
        const Request request = jittered(stage, jitter, name);
        hardened_formulas::Readings inferred = stage.inferred;
        if (jitter == Jitter::CountersAndQueue) {
            // The queue is read by the inferences too: they may come to anything.
            inferred = {stage.ledger.symbol(std::string(name) + " inferred density", 16),
                        stage.ledger.symbol(std::string(name) + " inferred pressure", 16)};
        }
        const auto readings = hardened_formulas::take_readings(request, memory, inferred);
        return hardened_formulas::choose_topology(stage.ledger, stage.parameters, request, readings, memory);
    };
    const hardened_formulas::Chosen first = step("first", stage.memory);
    const hardened_formulas::Chosen second = step("second", first.next);
    stage.ledger.forget_statements();
    const z3::expr& before = first.choice.topology;
    const z3::expr& after = second.choice.topology;
    const auto from_to = [&](DispatchTopology left, DispatchTopology right) {
        return before == code_of(left) && after == code_of(right);
    };
    const z3::expr fuses = from_to(DispatchTopology::DenseFrontier, DispatchTopology::FusedDense);
    switch (jitter) {
    case Jitter::AroundSparse:
        stage.ledger.holds(
            "density within the hysteresis of the sparse threshold: no change after the first answer",
            before == after);
        break;
    case Jitter::AroundDense:
        stage.ledger.holds("density within the hysteresis of the dense threshold: no change but Dense to Fused",
                           before == after || fuses);
        break;
    case Jitter::BelowMemory:
        stage.ledger.holds("pressure from T - hysteresis to T: no change but to MemoryConstrained",
                           before == after || after == code_of(DispatchTopology::MemoryConstrained));
        break;
    case Jitter::Counters:
        stage.ledger.holds("hot opcodes, hot windows and edges in their bands: no change but Dense to Fused",
                           before == after || fuses);
        break;
    case Jitter::CountersAndQueue:
        // With an empty queue no latch is stored (law S4), so there Interpreter can follow Jit.
        stage.ledger.assume(stage.request.queue > 0);
        stage.ledger.holds(
            "counters and queue in their bands, the queue not empty: never from Jit to Interpreter",
            z3::implies(first.jit, second.jit));
        break;
    }
    stage.ledger.prove(prefix, results);
}

}  // namespace

std::vector<ProofResult> prove_hardened_policy() {
    std::vector<ProofResult> results;
    prove_parameter_check(results);
    prove_arithmetic(results);
    prove_sizing(results);
    prove_direction(Jitter::AroundSparse, "S1 sparse ", results);
    prove_direction(Jitter::AroundDense, "S1 dense ", results);
    prove_direction(Jitter::BelowMemory, "S2 ", results);
    prove_direction(Jitter::Counters, "S3 ", results);
    prove_direction(Jitter::CountersAndQueue, "S6 ", results);
    return results;
}

}  // namespace megabed
