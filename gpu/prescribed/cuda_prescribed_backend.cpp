#include "gpu/prescribed/cuda_prescribed_backend.h"

#include "gpu/memory/co_tenant_process.h"
#include "gpu/prescribed/prescribed_kernel.h"
#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/telemetry.h"
#include "sim/workloads/wave_source.h"

#include <fmt/format.h>
#include <chrono>
#include <thread>
#include <utility>

namespace megabed {
namespace {

using gpu::PrescribedKernel;
using gpu::PrescribedNote;
using gpu::StopReason;

/// What both places of decision have in common. The source says what is observed, launch by launch; the card
/// does the work. Time is that of the launches: frontiers are made between them.
class CudaPrescribed : public CudaBackend {
public:
    CudaPrescribed(const Scenario& scenario, std::unique_ptr<PrescribedKernel> kernel)
        : scenario_(scenario),
          source_(make_wave_source(scenario, nullptr)),
          kernel_(std::move(kernel)),
          co_tenants_(scenario.memory, scenario.seed, kernel_->pool(),
                      [this](Bytes held) { kernel_->set_co_tenant_bytes(held.value()); }) {}

    [[nodiscard]] SimTime now() const override { return now_; }
    [[nodiscard]] std::uint64_t levels() const override { return source_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return nullptr; }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::optional<std::string> failure() const override { return failure_; }
    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override { return kernel_->result(); }
    [[nodiscard]] std::uint64_t digest() const override {
        Digest digest;
        digest.add(kernel_->result());
        return digest.value();
    }

    void pause(SimTime time) override {
        if (tokens()) {
            source_->advance(Direction::Push);
            if (const auto skipped = kernel_->skip(); !skipped) {
                failure_ = to_string(skipped.error());
            }
        }
        std::this_thread::sleep_for(std::chrono::nanoseconds(time.value()));
        now_ += time;
    }

protected:
    [[nodiscard]] bool tokens() const { return source_->prescribes_requests(); }

    /// The value, or its refusal as this backend's failure.
    template <class Value>
    std::optional<Value> take(Loaded<Value> loaded) {
        if (!loaded) {
            failure_ = to_string(loaded.error());
            return std::nullopt;
        }
        return *std::move(loaded);
    }

    [[nodiscard]] Observation observation(std::uint64_t resident) const {
        Observation observed;
        if (source_->done()) {
            return observed;  // after a failure
        }
        if (tokens()) {
            source_->observe(observed);
            return observed;
        }
        fill_settings(scenario_, observed.request);
        source_->observe(observed);
        fill_memory(scenario_, Bytes(resident), observed.request);
        return observed;
    }

    /// Goes on by what the device did. What a request asks for beyond its token counts as in the simulator.
    LaunchOutcome outcome_of(const PrescribedNote& note, const LaunchRecommendation& recommendation) {
        LaunchOutcome outcome;
        outcome.start = now_;
        outcome.duration = SimTime(static_cast<std::int64_t>(note.end_ns - note.start_ns - note.making_ns));
        outcome.granted_groups = note.groups;
        outcome.waves = note.waves;
        outcome.items = note.items;
        outcome.arcs = note.arcs;
        if (note.wave != source_->levels()) {
            failure_ =
                fmt::format("the device is at wave {}, the host at wave {}", note.wave, source_->levels());
            return outcome;
        }
        const Direction direction = direction_of(recommendation.topology);
        for (std::uint32_t level = 0; level < note.levels && !source_->done(); ++level) {
            const WaveWork work = source_->advance(direction);
            if (tokens()) {
                outcome.waves = output_passes(recommendation, work.discovered);
                outcome.items = work.frontier_vertices;
                outcome.arcs = work.inspected_arcs;
            }
        }
        if (note.levels == 0 && tokens()) {
            source_->advance(direction);  // an empty request is passed over
        }
        now_ += outcome.duration;
        return outcome;
    }

    const Scenario& scenario_;
    std::unique_ptr<WaveSource> source_;  ///< at the launch that comes next
    std::unique_ptr<PrescribedKernel> kernel_;
    CoTenantProcess co_tenants_;
    std::optional<std::string> failure_{};
    SimTime now_{};
};

/// The device decides: a kernel is let run until it stops, and its launches are handed out.
class DeviceDecidedWaves final : public CudaPrescribed {
public:
    using CudaPrescribed::CudaPrescribed;

    [[nodiscard]] bool done() const override { return next_ == kernel_->notes().size() && source_->done(); }

    [[nodiscard]] Observation observe() override {
        if (next_ == kernel_->notes().size() && !refused_ && !failure_) {
            next_ = 0;
            co_tenants_.start();
            refused_ = take(kernel_->run()) == StopReason::Refused;
        }
        if (!failure_ && next_ < kernel_->notes().size()) {
            return observation(kernel_->notes()[next_].resident_bytes);
        }
        refused_ = false;
        return observation(kernel_->resident_bytes());
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        if (failure_ || next_ == kernel_->notes().size()) {
            failure_ = failure_.value_or("the device refused what the host decides");
            return {};
        }
        const PrescribedNote& note = kernel_->notes()[next_++];
        if (note.recommendation != recommendation) {
            failure_ = fmt::format(
                "device and host decide differently: {} and {} groups of {} lanes, {} and {}",
                to_string(note.recommendation.topology), note.recommendation.geometry.dispatch_grid[0],
                note.recommendation.geometry.workgroup_size_x, to_string(recommendation.topology),
                recommendation.geometry.dispatch_grid[0]);
            return {};
        }
        return outcome_of(note, recommendation);
    }

private:
    std::size_t next_ = 0;
    bool refused_ = false;
};

/// The host decides: the kernel asks through mapped memory before every launch.
class HostDecidedWaves final : public CudaPrescribed {
public:
    using CudaPrescribed::CudaPrescribed;

    [[nodiscard]] bool done() const override { return source_->done(); }

    [[nodiscard]] Observation observe() override {
        if (!asked_ && !failure_) {
            co_tenants_.start();
            asked_ = take(kernel_->await_question()) == StopReason::None;
        }
        return observation(kernel_->own_bytes() + co_tenants_.held().value());
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        LaunchOutcome outcome;
        outcome.start = now_;
        if (failure_ || (recommendation.topology == DispatchTopology::Empty && !tokens())) {
            return outcome;
        }
        const auto note = take(kernel_->answer(recommendation));
        return note ? outcome_of(*note, recommendation) : outcome;
    }

private:
    bool asked_ = false;
};

}  // namespace

Loaded<std::unique_ptr<CudaBackend>> make_cuda_prescribed_backend(const Scenario& scenario,
                                                                  const CudaOptions& options) {
    gpu::PrescribedKernelOptions kernel_options;
    kernel_options.host_decides = cuda_decision_place(scenario) == DecisionPlace::Host;
    kernel_options.policy = compiled_policy(scenario.policy).value_or(CompiledPolicy::Reference);
    kernel_options.deadline = options.deadline;
    kernel_options.fault = options.fault;
    auto kernel = PrescribedKernel::make(scenario, kernel_options);
    if (!kernel) {
        return Refusal(kernel.error());
    }
    if (kernel_options.host_decides) {
        return std::make_unique<HostDecidedWaves>(scenario, *std::move(kernel));
    }
    return std::make_unique<DeviceDecidedWaves>(scenario, *std::move(kernel));
}

}  // namespace megabed
