#include "policy/reference_policy.h"
#include "properties/proof/model/case_draw.h"
#include "properties/proof/model/ledger.h"
#include "properties/proof/model/reference_formulas.h"
#include "properties/proof/model/tie.h"
#include "properties/proof/policy_proof.h"

#include <optional>

namespace megabed {
namespace {

using namespace proof;

std::vector<TiedField> fields_of(const reference_formulas::Answer& model,
                                 const Result<reference::Answer>& code) {
    std::vector<TiedField> fields = tie_failure(model.failing, code ? nullptr : &code.error());
    if (!code) {
        return fields;
    }
    const auto add = [&](std::string_view name, const z3::expr& formula, auto value) {
        fields.push_back({name, formula, static_cast<std::uint64_t>(value)});
    };
    const LaunchRecommendation& got = code->recommendation;
    add("topology", model.choice.topology, got.topology);
    add("rule", model.choice.rule, code->choice.rule);
    add("hold", model.choice.hold, code->choice.hold);
    add("worker_groups", model.grid.groups, got.worker_groups);
    add("workgroup_size_x", model.grid.lanes, got.geometry.workgroup_size_x);
    add("slot_count", model.grid.slots, got.geometry.slot_count.value());
    add("dispatch_grid x", model.grid.grid_x, got.geometry.dispatch_grid[0]);
    add("hit_capacity", model.capacity, got.hit_capacity);
    add("peak bytes", model.peak, got.estimated_peak_device_bytes.value());
    add("budget", model.budget, got.device_memory_budget.value_or(Bytes(0)).value());
    add("pressure", model.pressure, got.pressure);
    add("jit", zero_or_one(model.jit), got.execution_mode == ExecutionMode::Jit);
    add("promote_hot_opcodes", zero_or_one(model.hot_opcodes), got.promote_hot_opcodes);
    add("promote_hot_windows", zero_or_one(model.hot_windows), got.promote_hot_windows);
    add("age_priority_work", zero_or_one(model.age), got.age_priority_work);
    return fields;
}

}  // namespace

TieResult tie_reference_model(std::uint64_t cases, std::uint64_t seed) {
    TieResult result;
    CaseDraw draw(seed);
    z3::context context;
    Ledger ledger(context, Ledger::Use::Evaluate);
    const Input numeral = numerals_in(ledger);
    while (result.cases < cases) {
        const LaunchPolicyParameters parameters =
            draw.below(3) == 0 ? draw.any_parameters() : draw.valid_parameters();
        const LaunchRequest request = draw.request(parameters);
        const int previous = static_cast<int>(draw.below(kAllTopologies.size() + 1)) + kNoTopology;
        const auto before =
            previous == kNoTopology ? std::nullopt : std::optional(static_cast<DispatchTopology>(previous));
        const reference_formulas::Answer model =
            reference_formulas::recommend(ledger, parameters_from(numeral, parameters),
                                          request_from(numeral, request), context.int_val(previous));
        tie_case(result, fields_of(model, reference::recommend(parameters, request, before)));
    }
    return result;
}

}  // namespace megabed
