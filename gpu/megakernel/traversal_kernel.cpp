#include "gpu/megakernel/traversal_kernel.h"

#include "gpu/jit/jit_kernel.h"
#include "gpu/megakernel/compiled_traversal.h"
#include "gpu/megakernel/device_graph.h"
#include "gpu/megakernel/kernel_entries.h"
#include "gpu/megakernel/resident_launch.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"
#include "sim/telemetry.h"
#include "sim/traversals/arc_weight.h"
#include "sim/traversals/fixed_point_rank.h"
#include "sim/traversals/traversal.h"

#include <cuda_runtime.h>
#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>
#include <variant>

namespace megabed::gpu {
namespace {

const void* kernel_of(TraversalKind kind) {
    switch (kind) {
    case TraversalKind::BreadthFirst:
        return breadth_first_search_kernel();
    case TraversalKind::ShortestPaths:
        return shortest_paths_kernel();
    case TraversalKind::Components:
        return connected_components_kernel();
    case TraversalKind::PageRank:
        return page_rank_kernel();
    }
    return nullptr;
}

template <class Word>
Word load(Word& word) {
    return std::atomic_ref<Word>(word).load(std::memory_order_acquire);
}
template <class Word>
void store(Word& word, Word value) {
    std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

class ResidentTraversal final : public TraversalKernel {
public:
    ResidentTraversal(const Scenario& scenario, const CsrGraph& graph, const TraversalKernelOptions& options,
                      DevicePool pool)
        : graph_(graph), arcs_nowhere_(options.arcs_nowhere), pool_(std::move(pool)) {
        arguments_.settings = std::get<TraversalWorkload>(scenario.workload).traversal;
        arguments_.inputs.readings = graph_readings(graph, scenario.expected_hits_per_item);
        arguments_.host_decides = options.host_decides;
        arguments_.policy = options.policy;
        arguments_.inputs.parameters = scenario.parameters;
        fill_settings(scenario, arguments_.inputs.request);
        arguments_.inputs.request.device_memory_budget = scenario.memory.budget;
        arguments_.co_tenants = !scenario.memory.co_tenants.empty();
        arguments_.fuse_waves_max = scenario.fuse_waves_max;
        arguments_.deadline_ns = static_cast<std::uint64_t>(options.deadline.value());
        arguments_.notes_max = options.notes_max;
        compiled_route_ = options.host_decides ? CompiledRoute::Never : options.compiled;
        arguments_.compiles = compiled_route_ == CompiledRoute::AsRecommended;
        function_ = kernel_of(arguments_.settings.kind);
        arguments_.stuck_block = options.stuck_block;
        arguments_.stuck_wave = options.stuck_wave;
        arguments_.own_bytes =
            graph.bytes().value() +
            make_traversal(graph, arguments_.settings, scenario.device.heavy_degree)->state_bytes();
    }
    ~ResidentTraversal() override { end_kernel(); }

    [[nodiscard]] Loaded<void> open() {
        for (const auto& step : {bell_.open(), stream_.open(), find_residency()}) {
            if (!step) {
                return step;
            }
        }
        arguments_.doorbell = bell_.device();
        auto graph =
            DeviceGraph::upload(pool_, graph_, arguments_.settings.kind == TraversalKind::BreadthFirst);
        if (!graph) {
            return Refusal(graph.error());
        }
        device_graph_ = *std::move(graph);
        arguments_.graph = device_graph_.view();
        if (arcs_nowhere_) {
            arguments_.graph.column = reinterpret_cast<const Vertex*>(std::uintptr_t{4096});
            arguments_.graph.head = reinterpret_cast<const RowHead*>(std::uintptr_t{4096});
        }
        if (const auto got = allocate_arrays(); !got) {
            return got;
        }
        if (compiled_route_ == CompiledRoute::Always) {
            compile();
        }
        return begin(arguments_.settings.root);
    }

    [[nodiscard]] Loaded<void> begin(std::optional<Vertex> root) override {
        end_kernel();
        notes_.clear();
        const bool everywhere = arguments_.settings.kind == TraversalKind::Components ||
                                arguments_.settings.kind == TraversalKind::PageRank;
        const auto cleared = [&](auto& buffer, unsigned char byte) -> Loaded<void> {
            if (buffer.size() == 0) {
                return {};
            }
            return cuda_check(cudaMemsetAsync(buffer.data(), byte, buffer.bytes().value(), stream_.get()),
                              "cudaMemsetAsync");
        };
        for (const auto& step : {cleared(visited_[0], 0), cleared(visited_[1], 0), cleared(waiting_, 0),
                                 cleared(held_, everywhere ? 0xFF : 0), cleared(value_, 0xFF),
                                 cleared(rank_, 0), cleared(queued_wave_, 0), cleared(sent_wave_, 0)}) {
            if (!step) {
                return step;
            }
        }
        RunControl control;
        control.saved = everywhere ? begin_at_all() : begin_at_one(root);
        frontier_ = control.saved.frontier;
        fresh_ = true;
        return put(control);
    }

    [[nodiscard]] Loaded<StopReason> run() override {
        auto stopped = run_kernel();
        if (stopped == StopReason::WantsCompiled) {
            compile();
            if (notes_.empty()) {
                stopped = run_kernel();
            }
        }
        return stopped;
    }
    [[nodiscard]] std::optional<CompiledRun> compiled() const override { return compiled_; }
    [[nodiscard]] std::optional<std::string> not_compiled() const override { return not_compiled_; }

    [[nodiscard]] Loaded<StopReason> run_kernel() {
        if (const auto started = start(); !started) {
            return Refusal(started.error());
        }
        if (const auto ended = stream_.wait(); !ended) {
            return Refusal(ended.error());
        }
        running_ = false;
        seconds_ = stream_.seconds();
        RunControl control;
        if (const auto got = fetch(control); !got) {
            return Refusal(got.error());
        }
        notes_.resize(control.notes);
        if (!notes_.empty()) {
            if (const auto got =
                    cuda_check(cudaMemcpy(notes_.data(), arguments_.notes, notes_.size() * sizeof(LaunchNote),
                                          cudaMemcpyDeviceToHost),
                               "cudaMemcpy");
                !got) {
                return Refusal(got.error());
            }
        }
        in_nanoseconds(control.begun, control.ended);
        return stopped(control);
    }

    [[nodiscard]] Loaded<StopReason> await_question() override {
        if (!running_) {
            question_ = load(bell_.host().asked) + 1;
            if (const auto started = start(); !started) {
                return Refusal(started.error());
            }
        }
        Doorbell& bell = bell_.host();
        // A kernel that cannot start any more, or has failed, asks nothing.
        for (std::uint32_t round = 1; load(bell.asked) != question_; ++round) {
            constexpr std::uint32_t kLookEvery = 1 << 14;
            if (round % kLookEvery == 0) {
                const auto ended = stream_.ended();
                if (ended && load(bell.asked) != question_) {
                    return ended_early(*ended);
                }
            }
        }
        if (bell.stop != StopReason::None) {
            running_ = false;
            if (const auto ended = stream_.wait(); !ended) {
                return Refusal(ended.error());
            }
            RunControl control;
            if (const auto got = fetch(control); !got) {
                return Refusal(got.error());
            }
            return stopped(control);
        }
        frontier_ = bell.frontier;
        return StopReason::None;
    }

    [[nodiscard]] Loaded<LaunchNote> answer(const LaunchRecommendation& recommendation) override {
        Doorbell& bell = bell_.host();
        bell.answer = recommendation;
        store(bell.answered, question_);
        ++question_;
        const auto next = await_question();
        if (!next) {
            return Refusal(next.error());
        }
        return bell.finished;
    }

    [[nodiscard]] const std::vector<LaunchNote>& notes() const override { return notes_; }
    [[nodiscard]] double kernel_seconds() const override { return seconds_; }
    [[nodiscard]] const FrontierReadings& frontier() const override { return frontier_; }
    [[nodiscard]] std::uint64_t own_bytes() const override { return arguments_.own_bytes; }
    [[nodiscard]] std::uint64_t resident_bytes() const override { return last_.resident_bytes; }
    [[nodiscard]] DevicePool& pool() override { return pool_; }
    [[nodiscard]] std::uint32_t resident_blocks() const override { return arguments_.resident_blocks; }
    void set_co_tenant_bytes(std::uint64_t bytes) override { store(bell_.host().co_tenant_bytes, bytes); }

    [[nodiscard]] Loaded<std::vector<std::uint32_t>> values() override {
        end_kernel();
        std::vector<std::uint32_t> on_device(value_.size());
        if (const auto got = value_.download(on_device); !got) {
            return Refusal(got.error());
        }
        return device_graph_.in_order(on_device);
    }
    [[nodiscard]] Loaded<std::vector<std::uint64_t>> ranks() override {
        end_kernel();
        std::vector<std::uint64_t> on_device(rank_.size());
        if (const auto got = rank_.download(on_device); !got) {
            return Refusal(got.error());
        }
        return device_graph_.in_order(on_device);
    }

private:
    /// Takes a kernel that is compiled for this run. Where that cannot be, the general one goes on.
    void compile() {
        arguments_.compiles = false;
        const auto got = load_compiled();
        if (!got) {
            not_compiled_ = to_string(got.error());
        }
    }
    [[nodiscard]] Loaded<void> load_compiled() {
        auto kernels = JitKernels::on_this_device(KernelCompilerSettings::of_this_user());
        if (!kernels) {
            return Refusal(kernels.error());
        }
        auto kernel = kernels->kernel(compiled_traversal(arguments_));
        if (!kernel) {
            return Refusal(kernel.error());
        }
        const auto blocks = cooperative_blocks(kernel->function(), kBlockLanes, shared_bytes());
        if (!blocks) {
            return Refusal(blocks.error());
        }
        function_ = kernel->function();
        arguments_.resident_blocks = *blocks;
        compiled_ = CompiledRun{kernel->compiled().origin, kernel->compiled().elapsed + kernel->load_time()};
        compiled_kernel_ = *std::move(kernel);
        return {};
    }

    /// Searches keep in one block what its shared memory has room for: rather the bitmap than a large frontier.
    [[nodiscard]] Loaded<void> find_residency() {
        const bool levels = arguments_.settings.kind == TraversalKind::BreadthFirst;
        const std::uint32_t most = levels ? solo_vertices_most() : 0;
        const std::uint32_t words = levels ? bitmap_words() : 0;
        const std::pair<std::uint32_t, std::uint32_t> choices[] = {
            {most, words}, {most / 2, words}, {most, 0}, {most / 2, 0}, {most / 4, 0}, {most / 8, 0}};
        Loaded<std::uint32_t> blocks = 0;
        for (const auto& [solo_vertices, solo_words] : choices) {
            arguments_.solo_vertices = solo_vertices;
            arguments_.solo_words = solo_words;
            blocks = cooperative_blocks(function_, kBlockLanes, shared_bytes());
            if (blocks) {
                arguments_.resident_blocks = *blocks;
                return {};
            }
        }
        return Refusal(blocks.error());
    }
    [[nodiscard]] std::size_t shared_bytes() const {
        return arguments_.solo_vertices == 0
                   ? 0
                   : solo_shared_bytes(arguments_.solo_vertices, arguments_.solo_words);
    }
    /// Padded to what a warp takes at once.
    [[nodiscard]] std::uint32_t bitmap_words() const {
        constexpr std::uint32_t kWordsTogether = 4;
        return div_ceil(graph_.vertices(), 32 * kWordsTogether) * kWordsTogether;
    }

    [[nodiscard]] Loaded<void> allocate_arrays() {
        const std::size_t vertices = graph_.vertices();
        const std::size_t words = bitmap_words();
        const TraversalKind kind = arguments_.settings.kind;
        const bool levels = kind == TraversalKind::BreadthFirst;
        const bool ranks = kind == TraversalKind::PageRank;
        const bool paths = kind == TraversalKind::ShortestPaths;
        const auto take = [&](auto& into, std::size_t count, std::string_view name) -> Loaded<void> {
            using Value = std::remove_reference_t<decltype(*into.data())>;
            auto buffer = pool_.template buffer<Value>(count, name);
            if (!buffer) {
                return Refusal(buffer.error());
            }
            into = *std::move(buffer);
            return {};
        };
        for (const auto& taken :
             {take(control_, 1, "the kernel's control words"),
              take(note_buffer_, arguments_.notes_max, "launch notes"),
              take(queue_[0], vertices, "the frontier queue"), take(queue_[1], vertices, "the output queue"),
              take(changed_, paths ? vertices : 0, "the queue of changes"),
              take(visited_[0], levels ? words : 0, "a bitmap"),
              take(visited_[1], levels ? words : 0, "a bitmap"), take(held_, levels ? 0 : words, "a bitmap"),
              take(waiting_, paths ? words : 0, "a bitmap"), take(value_, ranks ? 0 : vertices, "values"),
              take(sent_, levels || ranks ? 0 : vertices, "values sent"),
              take(residual_, ranks ? vertices : 0, "residuals"), take(share_, ranks ? vertices : 0, "shares"),
              take(rank_, ranks ? vertices : 0, "ranks"),
              take(sent_wave_, levels ? 0 : vertices, "wave numbers"),
              take(queued_wave_, levels || ranks ? 0 : vertices, "wave numbers")}) {
            if (!taken) {
                return taken;
            }
        }
        arguments_.control = control_.data();
        arguments_.notes = note_buffer_.data();
        arguments_.arrays = {{queue_[0].data(), queue_[1].data()},
                             changed_.data(),
                             {visited_[0].data(), visited_[1].data()},
                             held_.data(),
                             waiting_.data(),
                             value_.data(),
                             sent_.data(),
                             residual_.data(),
                             share_.data(),
                             rank_.data(),
                             sent_wave_.data(),
                             queued_wave_.data()};
        return {};
    }

    [[nodiscard]] LoopState begin_at_one(std::optional<Vertex> wanted) {
        const Vertex root = wanted.value_or(highest_degree_vertex(graph_));
        launch_begin_at(arguments_, device_graph_.on_device(root), stream_.get());
        LoopState state = first_state();
        state.frontier.vertices = 1;
        state.frontier.visited = 1;
        state.frontier.arcs = graph_.degree(root);
        state.frontier.unexplored_arcs = graph_.arcs() - graph_.degree(root);
        return state;
    }

    [[nodiscard]] LoopState begin_at_all() {
        const std::uint64_t residual = first_residual(arguments_.settings.damping_bps);
        launch_begin_everywhere(arguments_, residual, stream_.get());
        LoopState state = first_state();
        const bool ranks = arguments_.settings.kind == TraversalKind::PageRank;
        if (ranks && residual <= residual_threshold(arguments_.settings.tolerance_ppm)) {
            state.frontier.unexplored_arcs = graph_.arcs();
            return state;
        }
        state.frontier.vertices = graph_.vertices();
        state.frontier.visited = graph_.vertices();
        state.frontier.arcs = graph_.arcs();
        return state;
    }

    [[nodiscard]] static LoopState first_state() {
        LoopState state;
        state.queue_filled = true;
        return state;
    }

    [[nodiscard]] Loaded<void> put(const RunControl& control) {
        saved_ = control;
        return cuda_check(
            cudaMemcpyAsync(control_.data(), &saved_, sizeof(saved_), cudaMemcpyHostToDevice, stream_.get()),
            "cudaMemcpyAsync");
    }
    [[nodiscard]] Loaded<void> fetch(RunControl& control) {
        return cuda_check(cudaMemcpy(&control, control_.data(), sizeof(control), cudaMemcpyDeviceToHost),
                          "cudaMemcpy");
    }

    [[nodiscard]] Loaded<void> start() {
        RunControl control;
        control.saved = fresh_ ? saved_.saved : last_;
        control.saved.noted = 0;
        control.saved.resident_bytes = arguments_.own_bytes + load(bell_.host().co_tenant_bytes);
        if (const auto done = put(control); !done) {
            return done;
        }
        fresh_ = false;
        bell_.host().stop = StopReason::None;
        bell_.host().end = false;
        const auto launched =
            stream_.launch(function_, arguments_.resident_blocks, kBlockLanes, &arguments_, shared_bytes());
        running_ = launched.has_value();
        return launched;
    }

    [[nodiscard]] Loaded<StopReason> stopped(const RunControl& control) {
        last_ = control.saved;
        frontier_ = control.saved.frontier;
        if (control.stop == StopReason::Foreign) {
            return cuda_refusal("the resident kernel", "it was compiled for other inputs than the run's",
                                "a cache of compiled kernels that nobody else writes to");
        }
        if (control.stop == StopReason::Failed) {
            const RunFailure& failure = control.failure;
            return cuda_refusal(
                "the resident kernel",
                fmt::format("block {} waited longer than {} ns in wave {}: {} of {} arrivals", failure.block,
                            arguments_.deadline_ns, failure.wave, failure.arrived, failure.expected),
                "a block that is stuck, or a longer deadline");
        }
        return control.stop;
    }

    /// Turns the cycles of the notes into nanoseconds.
    void in_nanoseconds(const ClockMark& begun, const ClockMark& ended) {
        const double scale = static_cast<double>(ended.nanoseconds - begun.nanoseconds) /
                             static_cast<double>(std::max<std::uint64_t>(ended.cycles - begun.cycles, 1));
        const auto convert = [&](std::uint64_t& at) {
            at = begun.nanoseconds + static_cast<std::uint64_t>(static_cast<double>(at - begun.cycles) * scale);
        };
        for (LaunchNote& note : notes_) {
            convert(note.start_ns);
            convert(note.decided_ns);
            convert(note.end_ns);
        }
    }

    [[nodiscard]] Loaded<StopReason> ended_early(const Loaded<void>& ended) {
        running_ = false;
        if (!ended) {
            return Refusal(ended.error());
        }
        RunControl control;
        if (const auto got = fetch(control); !got) {
            return Refusal(got.error());
        }
        return stopped(control);
    }

    /// A kernel that waits for an answer gets one that ends it.
    void end_kernel() {
        if (!running_) {
            return;
        }
        if (arguments_.host_decides) {
            bell_.host().end = true;
            store(bell_.host().answered, question_);
        }
        (void)stream_.wait();
        running_ = false;
    }

    const CsrGraph& graph_;
    bool arcs_nowhere_;
    DevicePool pool_;
    RunArguments arguments_{};
    MappedValue<Doorbell> bell_;
    ResidentStream stream_;
    DeviceGraph device_graph_;
    DeviceBuffer<RunControl> control_;
    DeviceBuffer<LaunchNote> note_buffer_;
    DeviceBuffer<QueueEntry> queue_[2];
    DeviceBuffer<QueueEntry> changed_;
    DeviceBuffer<std::uint32_t> visited_[2];
    DeviceBuffer<std::uint32_t> held_;
    DeviceBuffer<std::uint32_t> waiting_;
    DeviceBuffer<std::uint32_t> value_;
    DeviceBuffer<std::uint32_t> sent_;
    DeviceBuffer<std::uint64_t> residual_;
    DeviceBuffer<std::uint64_t> share_;
    DeviceBuffer<std::uint64_t> rank_;
    DeviceBuffer<std::uint32_t> sent_wave_;
    DeviceBuffer<std::uint32_t> queued_wave_;
    RunControl saved_{};  ///< on its way to the device
    LoopState last_{};    ///< where the last kernel stopped
    FrontierReadings frontier_{};
    std::vector<LaunchNote> notes_;
    CompiledRoute compiled_route_{};
    const void* function_ = nullptr;  ///< the kernel that runs
    std::optional<JitKernel> compiled_kernel_;
    std::optional<CompiledRun> compiled_;
    std::optional<std::string> not_compiled_;
    double seconds_ = 0;
    std::uint32_t question_ = 0;
    bool running_ = false;
    bool fresh_ = true;  ///< `begin` has put the control words
};

}  // namespace

Loaded<std::unique_ptr<TraversalKernel>> TraversalKernel::make(const Scenario& scenario, const CsrGraph& graph,
                                                               const TraversalKernelOptions& options) {
    auto pool = DevicePool::on_device(scenario.memory.budget);
    if (!pool) {
        return Refusal(pool.error());
    }
    auto kernel = std::make_unique<ResidentTraversal>(scenario, graph, options, *std::move(pool));
    if (const auto opened = kernel->open(); !opened) {
        return Refusal(opened.error());
    }
    return kernel;
}

}  // namespace megabed::gpu
