#include "sim/sim_backend.h"

#include "sim/costs/cost_model.h"
#include "sim/engine/digest.h"
#include "sim/engine/event_queue.h"
#include "sim/kernel_variant.h"
#include "sim/telemetry.h"
#include "sim/workloads/co_tenant_memory.h"
#include "sim/workloads/simulated_work.h"

#include <array>
#include <cassert>
#include <utility>

namespace megabed {
namespace {

class SimBackend final : public Backend, private EventScheduler {
public:
    SimBackend(const Scenario& scenario, const CsrGraph* graph, unsigned threads)
        : scenario_(scenario),
          costs_(scenario.device, scenario.memory.bandwidth_of_others, {scenario.decide, scenario.policy}),
          memory_(scenario.memory, scenario.seed, *this) {
        if (auto source = make_wave_source(scenario, graph, threads)) {
            work_ = make_wave_work(scenario, costs_, std::move(source));
        } else {
            work_ = make_service_work(scenario, costs_, *this);
        }
    }

    [[nodiscard]] bool done() const override { return work_->done(); }
    [[nodiscard]] SimTime now() const override { return now_; }
    [[nodiscard]] std::uint64_t levels() const override { return work_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return work_->service_totals(); }
    [[nodiscard]] std::uint64_t digest() const override { return digest_.value(); }
    [[nodiscard]] std::uint64_t events() const override { return events_done_; }

    [[nodiscard]] Observation observe() override {
        Observation observation;
        if (work_->prescribes_requests()) {
            work_->observe(observation);
            return observation;
        }
        fill_settings(scenario_, observation.request);
        work_->observe(observation);
        fill_memory(scenario_, work_->resident() + memory_.held(now_), observation.request);
        return observation;
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        LaunchOutcome outcome;
        outcome.start = now_;
        SimTime overhead = costs_.decision(!work_->driven_by_events());
        const GrantedGrid grid = costs_.grant(recommendation.geometry);
        if (recommendation.topology != DispatchTopology::Empty) {
            outcome.granted_groups =
                work_->driven_by_events() ? costs_.service_groups(recommendation) : grid.groups;
            const ResidentKernel::Switch cost = kernel_.change_to(recommendation, scenario_);
            outcome.relaunch = cost.relaunch;
            outcome.compilation = cost.compilation;
            if (cost.relaunch + cost.compilation > SimTime(0)) {
                drain();
            }
            overhead += cost.relaunch + cost.compilation;
        }
        outcome.drain = now_ - outcome.start;
        run_work(recommendation, grid, overhead);
        const WorkDone done = work_->finish();
        outcome.duration = now_ - outcome.start;
        outcome.waves = done.waves;
        outcome.items = done.items;
        outcome.arcs = done.arcs;
        return outcome;
    }

    void pause(SimTime time) override {
        work_->refused();
        advance_to(now_ + time);
    }

    [[nodiscard]] bool resumable() const override { return true; }
    void save(CheckpointWriter& writer) const override {
        writer << now_ << events_done_ << events_ << memory_;
        auto kernel = kernel_;
        archive_plain(writer, kernel);
        digest_.save(writer);
        work_->save(writer);
    }
    void load(CheckpointReader& reader) override {
        reader >> now_ >> events_done_ >> events_ >> memory_;
        archive_plain(reader, kernel_);
        digest_.load(reader);
        work_->load(reader);
    }

private:
    EventHandle schedule(SimTime time, SimEvent event) override { return events_.push(time, event); }
    void cancel(EventHandle handle) override { events_.cancel(handle); }

    /// A known length is one step; otherwise the launch lasts until its work says so.
    void run_work(const LaunchRecommendation& recommendation, const GrantedGrid& grid, SimTime overhead) {
        if (!work_->driven_by_events()) {
            advance_to(now_ + overhead + work_->start(recommendation, grid));
            return;
        }
        advance_to(now_ + overhead);
        (void)work_->start(recommendation, grid);
        while (!work_->launch_over()) {
            step();
        }
    }

    /// Another kernel can only start when the groups of this one are done with their items.
    void drain() {
        while (work_->groups_at_work()) {
            step();
        }
    }

    /// Processes every event up to a time, then stands at that time.
    void advance_to(SimTime time) {
        if (events_.empty() || events_.next_time() > time) {
            now_ = time;
            note({SimEvent::Kind::LaunchEnd, 0, 0}, kNotQueued);
            return;
        }
        schedule(time, {SimEvent::Kind::LaunchEnd, 0, 0});
        while (step() != SimEvent::Kind::LaunchEnd) {
        }
    }

    /// Requires: an event is in the future, as it is while a launch goes on.
    SimEvent::Kind step() {
        const auto event = events_.pop();
        now_ = event.time;
        note(event.payload, event.sequence);
        switch (event.payload.kind) {
        case SimEvent::Kind::LaunchEnd:
            break;
        case SimEvent::Kind::MemoryArrival:
        case SimEvent::Kind::MemoryRelease:
            memory_.on_event(event.payload);
            break;
        default:
            work_->on_event(event.payload);
            break;
        }
        return event.payload.kind;
    }

    /// The order of events is part of the digest.
    void note(const SimEvent& event, std::uint64_t sequence) {
        ++events_done_;
        const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(now_.value()), sequence,
                                                 static_cast<std::uint64_t>(event.kind) << 32 | event.subject};
        digest_.add_words(words);
    }

    static constexpr std::uint64_t kNotQueued = ~std::uint64_t{0};

    const Scenario& scenario_;
    CostModel costs_;
    EventQueue<SimEvent> events_;
    Digest digest_;
    SimTime now_{};
    std::uint64_t events_done_ = 0;
    ResidentKernel kernel_;
    CoTenantMemory memory_;
    std::unique_ptr<SimulatedWork> work_;
};

}  // namespace

std::unique_ptr<Backend> make_sim_backend(const Scenario& scenario, const CsrGraph* graph, unsigned threads) {
    return std::make_unique<SimBackend>(scenario, graph, threads);
}

}  // namespace megabed
