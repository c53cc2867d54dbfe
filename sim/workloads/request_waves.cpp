#include "sim/workloads/wave_source.h"

#include <algorithm>
#include <variant>

namespace megabed {
namespace {

/// Requests as a file lists them, one launch each, answered or refused. What a launch does is a wave of mean
/// degrees: the queue is the frontier, and half as many arcs again are found as a vertex has.
class RequestWaves final : public WaveSource {
public:
    explicit RequestWaves(const Scenario& scenario)
        : requests_(std::get<RequestsWorkload>(scenario.workload).requests) {}

    [[nodiscard]] bool done() const override { return next_ >= requests_.size(); }
    void observe(Observation& observation) const override { observation.request = requests_[next_]; }
    [[nodiscard]] bool prescribes_requests() const override { return true; }
    [[nodiscard]] Bytes resident() const override { return Bytes(0); }
    [[nodiscard]] std::uint32_t vertices() const override {
        const LaunchRequest& request = requests_[next_];
        return std::max({request.graph_node_count.value_or(1), request.queue_len, 1U});
    }

    [[nodiscard]] WaveWork preview(Direction direction) const override {
        const LaunchRequest& request = requests_[next_];
        const std::uint32_t degree =
            std::max(div_ceil(request.graph_edge_count.value_or(vertices()), vertices()), 1U);
        WaveWork work;
        work.kind = WaveKind::Prescribed;
        work.frontier_vertices = request.queue_len;
        work.frontier_arcs = std::uint64_t{request.queue_len} * degree;
        work.heaviest_vertex_arcs = degree;
        work.rows = vertices();
        work.scanned_vertices = vertices() - request.queue_len;
        work.inspected_arcs = direction == Direction::Push
                                  ? work.frontier_arcs
                                  : work.scanned_vertices * std::max<std::uint64_t>(degree / 2, 1);
        work.discovered = request.queue_len;
        work.updates = request.queue_len;
        work.changed = request.queue_len;
        return work;
    }
    WaveWork advance(Direction direction) override {
        const WaveWork work = preview(direction);
        ++next_;
        return work;
    }
    [[nodiscard]] std::uint64_t levels() const override { return next_; }

    void save(CheckpointWriter& writer) const override { writer << next_; }
    void load(CheckpointReader& reader) override { reader >> next_; }

private:
    const std::vector<LaunchRequest>& requests_;
    std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<WaveSource> make_request_waves(const Scenario& scenario) {
    return std::make_unique<RequestWaves>(scenario);
}

}  // namespace megabed
