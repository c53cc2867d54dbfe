#include "gpu/cuda_backend.h"

#include "gpu/cuda_service_backend.h"
#include "gpu/device_policy.h"
#include "gpu/megakernel/traversal_kernel.h"
#include "gpu/memory/co_tenant_process.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/prescribed/cuda_prescribed_backend.h"
#include "sim/engine/digest.h"
#include "sim/telemetry.h"
#include "sim/traversals/wave_traversal.h"

#include <fmt/format.h>
#include <chrono>
#include <span>
#include <thread>
#include <utility>
#include <variant>

namespace megabed {
namespace {

using gpu::LaunchNote;
using gpu::StopReason;
using gpu::TraversalKernel;

SimTime nanoseconds(std::uint64_t from, std::uint64_t to) {
    return SimTime(static_cast<std::int64_t>(to) - static_cast<std::int64_t>(from));
}

/// What both places of decision have in common.
class CudaTraversal : public CudaBackend {
public:
    CudaTraversal(const Scenario& scenario, const CsrGraph& graph, std::unique_ptr<TraversalKernel> kernel)
        : scenario_(scenario),
          readings_(graph_readings(graph, scenario.expected_hits_per_item)),
          kernel_(std::move(kernel)),
          co_tenants_(scenario.memory, scenario.seed, kernel_->pool(),
                      [this](Bytes held) { kernel_->set_co_tenant_bytes(held.value()); }) {
        if (kernel_->frontier().vertices == 0) {
            finish();  // a PageRank whose tolerance nothing exceeds
        }
    }

    [[nodiscard]] SimTime now() const override { return now_; }
    [[nodiscard]] std::uint64_t levels() const override { return levels_; }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return nullptr; }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::optional<std::string> failure() const override { return failure_; }

    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override { return result_; }
    [[nodiscard]] std::uint64_t digest() const override {
        Digest digest;
        digest.add(result_.value_or(0));
        return digest.value();
    }

    [[nodiscard]] std::optional<std::string> compiled_route() const override {
        if (const auto why = kernel_->not_compiled()) {
            return fmt::format("no kernel could be compiled, the general one runs all launches: {}", *why);
        }
        const auto compiled = kernel_->compiled();
        if (!compiled) {
            return std::nullopt;
        }
        constexpr double kMillisecond = 1e6;
        return fmt::format("the kernel of the compiled route: {}, {:.1f} ms",
                           compiled->origin == JitOrigin::Compiled
                               ? std::string("compiled now")
                               : fmt::format("from {}", to_string(compiled->origin)),
                           static_cast<double>(compiled->elapsed.value()) / kMillisecond);
    }

    void pause(SimTime time) override {
        std::this_thread::sleep_for(std::chrono::nanoseconds(time.value()));
        now_ += time;
    }

protected:
    /// The value, or its refusal as this backend's failure.
    template <class Value>
    std::optional<Value> take(Loaded<Value> loaded) {
        if (!loaded) {
            failure_ = to_string(loaded.error());
            return std::nullopt;
        }
        return *std::move(loaded);
    }

    [[nodiscard]] Observation observation(const FrontierReadings& frontier, std::uint64_t resident) const {
        Observation observed;
        fill_settings(scenario_, observed.request);
        fill_memory(scenario_, Bytes(resident), observed.request);
        observe_frontier(readings_, frontier, observed);
        return observed;
    }

    LaunchOutcome outcome_of(const LaunchNote& note) {
        first_ns_ = first_ns_ == 0 ? note.start_ns : first_ns_;
        LaunchOutcome outcome;
        outcome.start = nanoseconds(first_ns_, note.start_ns);
        outcome.duration = nanoseconds(note.start_ns, note.end_ns);
        outcome.granted_groups = note.groups;
        outcome.waves = note.waves;
        outcome.items = note.items;
        outcome.arcs = note.arcs;
        levels_ += note.levels;
        now_ = outcome.start + outcome.duration;
        return outcome;
    }

    /// The work is done: fetches what it came to.
    void finish() {
        const auto& settings = std::get<TraversalWorkload>(scenario_.workload).traversal;
        if (settings.kind == TraversalKind::PageRank) {
            if (const auto ranks = take(kernel_->ranks())) {
                result_ = digest_of_values(std::span<const std::uint64_t>(*ranks));
            }
        } else if (const auto values = take(kernel_->values())) {
            result_ = digest_of_values(std::span<const std::uint32_t>(*values));
        }
    }

    const Scenario& scenario_;
    GraphReadings readings_;
    std::unique_ptr<TraversalKernel> kernel_;
    CoTenantProcess co_tenants_;
    std::optional<std::string> failure_{};
    SimTime now_{};
    std::uint64_t first_ns_ = 0;
    std::uint64_t levels_ = 0;
    std::optional<std::uint64_t> result_{};  ///< when the work is done
};

/// The device decides: a kernel is let run until it stops, and its launches are handed out.
class DeviceDecided final : public CudaTraversal {
public:
    using CudaTraversal::CudaTraversal;

    [[nodiscard]] bool done() const override {
        return next_ == kernel_->notes().size() && kernel_->frontier().vertices == 0;
    }

    [[nodiscard]] Observation observe() override {
        if (next_ == kernel_->notes().size() && !refused_ && !failure_) {
            next_ = 0;
            co_tenants_.start();
            const auto stopped = take(kernel_->run());
            refused_ = stopped == StopReason::Refused;
        }
        if (next_ < kernel_->notes().size()) {
            const LaunchNote& note = kernel_->notes()[next_];
            return observation(note.frontier, note.resident_bytes);
        }
        refused_ = false;
        return observation(kernel_->frontier(), kernel_->resident_bytes());
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        if (failure_ || next_ == kernel_->notes().size()) {
            failure_ = failure_.value_or("the device refused what the host decides");
            return {};
        }
        const LaunchNote& note = kernel_->notes()[next_++];
        if (note.recommendation != recommendation) {
            failure_ = fmt::format(
                "device and host decide differently: {} and {} groups of {} lanes, {} and {}",
                to_string(note.recommendation.topology), note.recommendation.geometry.dispatch_grid[0],
                note.recommendation.geometry.workgroup_size_x, to_string(recommendation.topology),
                recommendation.geometry.dispatch_grid[0]);
        }
        LaunchOutcome outcome = outcome_of(note);
        if (done()) {
            finish();
        }
        return outcome;
    }

private:
    std::size_t next_ = 0;
    bool refused_ = false;
};

/// The host decides: the kernel asks through mapped memory before every launch.
class HostDecided final : public CudaTraversal {
public:
    using CudaTraversal::CudaTraversal;

    [[nodiscard]] bool done() const override { return done_; }

    [[nodiscard]] Observation observe() override {
        if (!asked_ && !failure_) {
            co_tenants_.start();
            asked_ = take(kernel_->await_question()) == StopReason::None;
        }
        return observation(kernel_->frontier(), kernel_->own_bytes() + co_tenants_.held().value());
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        LaunchOutcome outcome;
        outcome.start = now_;
        if (recommendation.topology == DispatchTopology::Empty || failure_) {
            return outcome;
        }
        const auto note = take(kernel_->answer(recommendation));
        if (!note) {
            return outcome;
        }
        outcome = outcome_of(*note);
        if (kernel_->frontier().vertices == 0) {
            done_ = true;
            finish();
        }
        return outcome;
    }

private:
    bool asked_ = false;
    bool done_ = false;
};

}  // namespace

Loaded<std::unique_ptr<CudaBackend>> make_cuda_backend(const Scenario& scenario, const CsrGraph* graph,
                                                       const CudaOptions& options) {
    if (const auto cause = cuda_context_lost()) {
        return cuda_refusal("--backend cuda",
                            fmt::format("this process has lost its CUDA context by {}", *cause),
                            "the backends sim and threads in this process; CUDA in a new one");
    }
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    if (std::holds_alternative<ServiceWorkload>(scenario.workload)) {
        return make_cuda_service_backend(scenario);
    }
    if (!std::holds_alternative<TraversalWorkload>(scenario.workload)) {
        return make_cuda_prescribed_backend(scenario, options);
    }
    gpu::TraversalKernelOptions kernel_options;
    kernel_options.host_decides = cuda_decision_place(scenario) == DecisionPlace::Host;
    kernel_options.policy = compiled_policy(scenario.policy).value_or(CompiledPolicy::Reference);
    kernel_options.deadline = options.deadline;
    kernel_options.compiled = options.compiles ? gpu::CompiledRoute::AsRecommended : gpu::CompiledRoute::Never;
    kernel_options.arcs_nowhere = options.fault != InjectedFault::None;
    auto kernel = TraversalKernel::make(scenario, *graph, kernel_options);
    if (!kernel) {
        return Refusal(kernel.error());
    }
    if (kernel_options.host_decides) {
        return std::make_unique<HostDecided>(scenario, *graph, *std::move(kernel));
    }
    return std::make_unique<DeviceDecided>(scenario, *graph, *std::move(kernel));
}

}  // namespace megabed
