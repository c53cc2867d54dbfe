#include "properties/proof/model/alternation.h"
#include "properties/proof/model/ledger.h"
#include "properties/proof/model/reference_formulas.h"
#include "properties/proof/model/signals.h"
#include "properties/proof/model/stage.h"
#include "properties/proof/policy_proof.h"

#include <functional>
#include <vector>

namespace megabed {
namespace {

using namespace proof;

void prove_arithmetic(std::vector<ProofResult>& results) {
    {
        Stage stage;
        (void)reference_formulas::infer_missing_signals(stage.ledger, stage.parameters, stage.request);
        stage.ledger.prove("A", results);
    }
    {
        Stage stage;
        const Signals signals = any_signals(stage.ledger);
        (void)stabilised_topology(stage.ledger, stage.parameters, signals, any_topology(stage.ledger));
        stage.ledger.prove("A", results);
    }
    {
        Stage stage;
        const Signals signals = any_signals(stage.ledger);
        const z3::expr never = stage.context.bool_val(false);
        const reference_formulas::Effective effective{signals, stage.ledger.symbol("groups", 32),
                                                      stage.ledger.symbol("budget", 64), never, never};
        (void)reference_formulas::shed_worker_groups(stage.ledger, stage.parameters, any_topology(stage.ledger),
                                                     effective);
        stage.ledger.prove("A", results);
    }
    {
        Stage stage;
        const z3::expr lanes = stage.ledger.symbol("lanes", 32);
        (void)reference_formulas::classify_pressure(stage.ledger, stage.parameters, stage.request, lanes);
        stage.ledger.prove("A", results);
    }
    {
        Stage stage;
        (void)reference_formulas::hit_capacity(stage.ledger, stage.parameters, stage.request,
                                               stage.ledger.symbol("pressure", 16));
        (void)reference_formulas::peak_bytes(stage.ledger, stage.parameters, stage.request,
                                             stage.ledger.symbol("hit capacity", 32),
                                             stage.request.budget.or_zero());
        stage.ledger.prove("A", results);
    }
}

void prove_sizing(std::vector<ProofResult>& results) {
    Stage lemmas;
    state_that_multiples_are_ordered(lemmas.ledger);
    lemmas.ledger.prove("L", results);

    Stage stage(Ledger::Use::ProveLinear);
    stage.ledger.assume(!zero_limit(stage.request).failed);
    (void)reference_formulas::size_grid(stage.ledger, stage.parameters, stage.request,
                                        stage.ledger.symbol("groups", 32));
    stage.ledger.prove("B", results);
}

/// A policy whose only memory is its last topology.
using TopologyOf =
    std::function<z3::expr(Ledger&, const Parameters&, const Signals&, const z3::expr& previous)>;

/// Three answers in a row with the readings of one band. The topology is all such a policy remembers, so what
/// cannot happen in three answers cannot happen with equal answers in between either.
void prove_no_alternation(const TopologyOf& topology_of, std::vector<ProofResult>& results) {
    const struct {
        Band band;
        const char* prefix;
        const char* statement;
    } bands[] = {
        {Band::AroundSparse, "S1 sparse ", "density readings within the hysteresis of the sparse threshold"},
        {Band::AroundDense, "S1 dense ", "density readings within the hysteresis of the dense threshold"},
        {Band::BelowMemory, "S2 ", "pressure readings from T - hysteresis to T"}};
    for (const auto& [band, prefix, statement] : bands) {
        Stage stage;
        const Signals fixed = any_signals(stage.ledger);
        z3::expr previous = any_topology(stage.ledger);
        std::vector<z3::expr> answers;
        for (const char* name : {"first reading", "second reading", "third reading"}) {
            const Signals signals = read_in_band(stage.ledger, stage.parameters, fixed, band, name);
            previous = topology_of(stage.ledger, stage.parameters, signals, previous);
            answers.push_back(previous);
        }
        stage.ledger.forget_statements();
        stage.ledger.holds(std::string(statement) + " change the topology at most once",
                           !(answers[0] != answers[1] && answers[1] != answers[2]));
        stage.ledger.prove(prefix, results);
    }
}

}  // namespace

std::vector<ProofResult> prove_reference_policy() {
    std::vector<ProofResult> results;
    prove_arithmetic(results);
    prove_sizing(results);
    prove_no_alternation(
        [](Ledger& ledger, const Parameters& parameters, const Signals& signals, const z3::expr& previous) {
            return stabilised_topology(ledger, parameters, signals, previous).choice.topology;
        },
        results);
    return results;
}

std::vector<ProofResult> prove_stateless_policy() {
    std::vector<ProofResult> results;
    prove_no_alternation(
        [](Ledger&, const Parameters& parameters, const Signals& signals, const z3::expr& /*previous*/) {
            return raw_topology(parameters, signals).topology;
        },
        results);
    return results;
}

}  // namespace megabed
