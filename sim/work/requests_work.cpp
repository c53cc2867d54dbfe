#include "sim/work/simulated_work.h"

#include <algorithm>
#include <variant>

namespace megabed {
namespace {

/// Requests as a file lists them, one launch each, answered or refused. What a launch does is a wave of mean
/// degrees: the queue is the frontier, and half as many arcs again are found as a vertex has.
class RequestsWork final : public SimulatedWork {
public:
    RequestsWork(const Scenario& scenario, const CostModel& costs)
        : requests_(std::get<RequestsWorkload>(scenario.workload).requests), costs_(costs) {}

    [[nodiscard]] bool done() const override { return next_ >= requests_.size(); }
    void observe(Observation& observation) override { observation.request = requests_[next_]; }
    [[nodiscard]] bool prescribes_requests() const override { return true; }
    [[nodiscard]] Bytes resident() const override { return Bytes(0); }

    [[nodiscard]] WorkDone start(const LaunchRecommendation& recommendation, const GrantedGrid& grid) override {
        const LaunchRequest& request = requests_[next_++];
        WorkDone done;
        if (recommendation.topology == DispatchTopology::Empty) {
            return done;
        }
        const std::uint32_t vertices = std::max({request.graph_node_count.value_or(1), request.queue_len, 1U});
        const std::uint32_t degree =
            std::max(div_ceil(request.graph_edge_count.value_or(vertices), vertices), 1U);
        WaveWork work;
        work.frontier_vertices = request.queue_len;
        work.frontier_arcs = std::uint64_t{request.queue_len} * degree;
        work.heaviest_vertex_arcs = degree;
        work.scanned_vertices = vertices - request.queue_len;
        work.inspected_arcs = std::uint64_t{work.scanned_vertices} * std::max(degree / 2, 1U);
        work.discovered = request.queue_len;
        work.updates = work.discovered;
        done.busy = costs_.wave(recommendation, grid, work, vertices);
        done.waves = output_passes(recommendation, work.discovered);
        done.items = request.queue_len;
        done.arcs = work.inspected_arcs;
        return done;
    }

    void refused() override { ++next_; }
    [[nodiscard]] std::uint64_t levels() const override { return next_; }

private:
    const std::vector<LaunchRequest>& requests_;
    const CostModel& costs_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedWork> make_requests_work(const Scenario& scenario, const CostModel& costs) {
    return std::make_unique<RequestsWork>(scenario, costs);
}

}  // namespace megabed
