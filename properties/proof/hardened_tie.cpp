#include "policy/hardened_policy.h"
#include "properties/proof/model/case_draw.h"
#include "properties/proof/model/hardened_formulas.h"
#include "properties/proof/model/ledger.h"
#include "properties/proof/model/tie.h"
#include "properties/proof/policy_proof.h"

#include <utility>

namespace megabed {
namespace {

using namespace proof;

std::vector<TiedField> fields_of(const hardened_formulas::Answer& model, const Result<Decision>& code) {
    std::vector<TiedField> fields = tie_failure(model.failing, code ? nullptr : &code.error());
    if (!code) {
        return fields;
    }
    const auto add = [&](std::string_view name, const z3::expr& formula, auto value) {
        fields.push_back({name, formula, static_cast<std::uint64_t>(value)});
    };
    const LaunchRecommendation& got = code->recommendation;
    add("topology", model.chosen.choice.topology, got.topology);
    add("rule", model.chosen.choice.rule, code->rule);
    add("hold", model.chosen.choice.hold, code->hold);
    add("worker_groups", model.grid.kept, got.worker_groups);
    add("workgroup_size_x", model.grid.lanes, got.geometry.workgroup_size_x);
    add("slot_count", model.grid.slots, got.geometry.slot_count.value());
    add("dispatch_grid x", model.grid.grid_x, got.geometry.dispatch_grid[0]);
    add("hit_capacity", model.fit.capacity, got.hit_capacity);
    add("peak bytes", model.fit.peak, got.estimated_peak_device_bytes.value());
    add("pressure", model.pressure, got.pressure);
    add("jit", zero_or_one(model.chosen.jit), got.execution_mode == ExecutionMode::Jit);
    add("promote_hot_opcodes", zero_or_one(model.chosen.seen.hot_opcodes), got.promote_hot_opcodes);
    add("promote_hot_windows", zero_or_one(model.chosen.seen.hot_windows), got.promote_hot_windows);
    add("age_priority_work", zero_or_one(model.age), got.age_priority_work);
    add("next state", model.next, code->next.words[0]);
    return fields;
}

hardened::Memory any_memory(CaseDraw& draw, const LaunchPolicyParameters& parameters) {
    PolicyState state;
    state.words[0] = draw.below(1U << 9U);
    hardened::Memory memory = hardened::unpack(state);
    memory.density = memory.density ? std::optional(draw.density(parameters)) : std::nullopt;
    memory.pressure = memory.pressure ? std::optional(draw.pressure(parameters)) : std::nullopt;
    return memory;
}

}  // namespace

TieResult tie_hardened_model(std::uint64_t cases, std::uint64_t seed) {
    TieResult result;
    CaseDraw draw(seed);
    z3::context context;
    Ledger ledger(context, Ledger::Use::Evaluate);
    const Input numeral = numerals_in(ledger);
    LaunchPolicyParameters parameters;
    hardened::Memory memory;
    while (result.cases < cases) {
        // Chains of a few launches: a carried memory is as the policy itself left it.
        if (draw.below(4) == 0) {
            parameters = draw.valid_parameters();
            parameters.sizing.occupancy_divisor = static_cast<std::uint32_t>(draw.below(1024));
            parameters.sizing.dispatch_workgroups_max = static_cast<std::uint32_t>(draw.below(4096));
            memory = any_memory(draw, parameters);
        }
        const LaunchRequest request = draw.request(parameters);
        const auto model = hardened_formulas::recommend(ledger, parameters_from(numeral, parameters),
                                                        request_from(numeral, request),
                                                        hardened_formulas::memory_from(numeral, memory));
        const auto code = hardened::recommend(parameters, request, hardened::pack(memory));
        tie_case(result, fields_of(model, code));
        if (code) {
            memory = hardened::unpack(code->next);
        }
    }
    return result;
}

}  // namespace megabed
