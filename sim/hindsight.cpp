#include "sim/hindsight.h"

#include "policy/reference_policy.h"
#include "sim/costs/cost_model.h"
#include "sim/kernel_variant.h"
#include "sim/telemetry.h"
#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>
#include <variant>

namespace megabed {
namespace {

using enum DispatchTopology;
constexpr std::array kChoices{SparseFrontier, HybridFrontier, DenseFrontier, FusedDense, MemoryConstrained};

/// The launch of a topology for a request, filled in as the fixed policies do it; nothing where it is refused.
std::optional<LaunchRecommendation> completed(const LaunchPolicyParameters& parameters,
                                              const LaunchRequest& request, DispatchTopology topology) {
    const auto signals = reference::infer_missing_signals(parameters, request);
    const auto answer =
        reference::complete(parameters, request, signals, {topology, TopologyRule::Forced, TopologyHold::None});
    return answer ? std::optional(answer->recommendation) : std::nullopt;
}

/// Launches backwards from a state: where it came from.
struct Step {
    std::uint32_t before = 0;  ///< place in the list of steps
    DispatchTopology topology{};
};
constexpr std::uint32_t kBeginning = 0xFFFF'FFFF;

/// The cheapest way to stand before a wave with a certain kernel resident.
struct Node {
    ResidentKernel kernel{};
    WaveContext context{};
    std::int64_t cost_ns = 0;
    std::uint32_t step = kBeginning;
};

/// All ways to stand before a wave: one node a kernel, none that another one beats in cost and compiled
/// kernels.
class Column {
public:
    void offer(const Node& node) {
        for (Node& known : nodes_) {
            if (known.kernel.variant != node.kernel.variant || known.kernel.lanes != node.kernel.lanes) {
                continue;
            }
            const std::uint64_t both = known.kernel.compiled & node.kernel.compiled;
            if (known.cost_ns <= node.cost_ns && both == node.kernel.compiled) {
                return;
            }
            if (node.cost_ns <= known.cost_ns && both == known.kernel.compiled) {
                known = node;
                return;
            }
        }
        nodes_.push_back(node);
    }
    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
    [[nodiscard]] bool empty() const { return nodes_.empty(); }

private:
    std::vector<Node> nodes_;
};

/// A fused launch that is not complete yet: its waves come one by one.
struct OpenFusion {
    Column from;
    LaunchRecommendation recommendation;
    GrantedGrid grid;
    WaveContext context;  ///< of the cheapest that it goes on from
    SimTime busy{};
    std::uint32_t waves_left = 0;
};

/// Goes through the waves once; columns before the current wave are dropped.
class Search {
public:
    Search(const Scenario& scenario, WaveSource& source, const HindsightOptions& options)
        : scenario_(scenario),
          source_(source),
          options_(options),
          costs_(scenario.device, scenario.memory.bandwidth_of_others, {scenario.decide, "fixed:hybrid"}),
          decision_(costs_.decision(true)),
          fuse_waves_max_(source.prescribes_requests() ? 1 : scenario.fuse_waves_max) {
        here_.offer({});
    }

    std::optional<HindsightPlan> run() {
        while (!source_.done()) {
            if (here_.empty() && fusions_.empty()) {
                return std::nullopt;
            }
            if (source_.levels() >= options_.waves_max) {
                return std::nullopt;
            }
            pass_wave();
        }
        // What is fused ends when the work does.
        for (OpenFusion& fusion : fusions_) {
            close(fusion, here_);
        }
        return best();
    }

private:
    void pass_wave() {
        Observation observation;
        if (!source_.prescribes_requests()) {
            fill_settings(scenario_, observation.request);
        }
        source_.observe(observation);
        if (!source_.prescribes_requests()) {
            fill_memory(scenario_, source_.resident(), observation.request);
        }
        const std::uint32_t vertices = source_.vertices();
        const WaveWork push = source_.preview(Direction::Push);
        const WaveWork pull = source_.preview(Direction::Pull);
        Column next;
        for (const DispatchTopology topology : kChoices) {
            start(topology, observation.request, push, vertices, pull, next);
        }
        for (OpenFusion& fusion : fusions_) {
            fusion.busy += costs_.wave(fusion.recommendation, fusion.grid, pull, vertices, fusion.context);
            if (--fusion.waves_left == 0) {
                close(fusion, next);
            }
        }
        std::erase_if(fusions_, [](const OpenFusion& fusion) { return fusion.waves_left == 0; });
        if (next.empty() && source_.prescribes_requests()) {
            next = std::move(here_);  // a listed request that every topology refuses is passed over
        }
        here_ = std::move(next);
        source_.advance(Direction::Push);
    }

    /// A listed request may have an empty queue: then every topology is refused but the empty one.
    void start(DispatchTopology topology, const LaunchRequest& request, const WaveWork& push,
               std::uint32_t vertices, const WaveWork& pull, Column& next) {
        if (here_.empty()) {
            return;
        }
        const DispatchTopology wanted = request.queue_len == 0 ? Empty : topology;
        const auto recommendation = completed(scenario_.parameters, request, wanted);
        if (!recommendation) {
            return;
        }
        const GrantedGrid grid = costs_.grant(recommendation->geometry);
        if (topology == FusedDense && wanted != Empty) {
            fusions_.push_back(
                {here_, *recommendation, grid, here_.nodes().front().context, SimTime(0), fuse_waves_max_});
            return;  // this wave is added with those of the other open ones
        }
        const WaveWork& work = direction_of(topology) == Direction::Pull ? pull : push;
        for (Node node : here_.nodes()) {
            const SimTime busy =
                wanted == Empty ? SimTime(0) : costs_.wave(*recommendation, grid, work, vertices, node.context);
            next.offer(after(node, *recommendation, busy));
        }
    }

    void close(const OpenFusion& fusion, Column& next) {
        for (Node node : fusion.from.nodes()) {
            node.context = fusion.context;
            next.offer(after(node, fusion.recommendation, fusion.busy));
        }
    }

    Node after(Node node, const LaunchRecommendation& recommendation, SimTime busy) {
        node.cost_ns += (decision_ + busy).value();
        if (recommendation.topology != Empty) {
            const ResidentKernel::Switch cost = node.kernel.change_to(recommendation, scenario_);
            node.cost_ns += (cost.relaunch + cost.compilation).value();
        }
        if (options_.keep_launches) {
            steps_.push_back({node.step, recommendation.topology});
            node.step = static_cast<std::uint32_t>(steps_.size() - 1);
        }
        return node;
    }

    [[nodiscard]] std::optional<HindsightPlan> best() const {
        if (here_.empty()) {
            return std::nullopt;
        }
        const Node& node =
            *std::min_element(here_.nodes().begin(), here_.nodes().end(),
                              [](const Node& left, const Node& right) { return left.cost_ns < right.cost_ns; });
        HindsightPlan plan{SimTime(node.cost_ns), {}};
        for (std::uint32_t step = node.step; step != kBeginning; step = steps_[step].before) {
            plan.launches.push_back(steps_[step].topology);
        }
        std::reverse(plan.launches.begin(), plan.launches.end());
        return plan;
    }

    const Scenario& scenario_;
    WaveSource& source_;
    const HindsightOptions& options_;
    CostModel costs_;
    SimTime decision_;
    std::uint32_t fuse_waves_max_;
    Column here_;
    std::vector<OpenFusion> fusions_;
    std::vector<Step> steps_;
};

class PlannedPolicy final : public Policy {
public:
    PlannedPolicy(const LaunchPolicyParameters& parameters, std::vector<DispatchTopology> launches)
        : parameters_(parameters), launches_(std::move(launches)) {}

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        const std::uint64_t launch = state.words[0];
        const auto signals = reference::infer_missing_signals(parameters_, observation.request);
        TopologyChoice choice{Empty, TopologyRule::QueueEmpty, TopologyHold::None};
        if (observation.request.queue_len > 0) {
            // Refusals and faults can make a run longer than its plan: it ends as it was planned to end.
            const DispatchTopology planned =
                launches_.empty() ? SparseFrontier
                                  : launches_[std::min<std::size_t>(launch, launches_.size() - 1)];
            choice = {planned == Empty ? SparseFrontier : planned, TopologyRule::Forced, TopologyHold::None};
        }
        const auto answer = reference::complete(parameters_, observation.request, signals, choice);
        if (!answer) {
            return Failure(answer.error());
        }
        Decision decision;
        decision.recommendation = answer->recommendation;
        decision.rule = choice.rule;
        decision.next.words[0] = launch + 1;
        return decision;
    }

private:
    LaunchPolicyParameters parameters_;
    std::vector<DispatchTopology> launches_;
};

}  // namespace

std::optional<HindsightPlan> best_in_hindsight(const Scenario& scenario, const CsrGraph* graph,
                                               const HindsightOptions& options) {
    if (const auto* const synthetic = std::get_if<SyntheticWorkload>(&scenario.workload)) {
        if (synthetic->waves > options.waves_max) {
            return std::nullopt;
        }
    }
    const auto source = make_wave_source(scenario, graph);
    return source == nullptr ? std::nullopt : Search(scenario, *source, options).run();
}

std::unique_ptr<Policy> make_planned_policy(const LaunchPolicyParameters& parameters,
                                            std::vector<DispatchTopology> launches) {
    return std::make_unique<PlannedPolicy>(parameters, std::move(launches));
}

}  // namespace megabed
