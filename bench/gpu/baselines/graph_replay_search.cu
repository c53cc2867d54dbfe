// A CUDA graph that is launched once a search. A WHILE node holds a wave: a kernel of one thread takes the last
// wave's counts, decides by GAP's rule and sets both conditions, and a SWITCH node behind it holds the kernels
// of each direction. Grids are fixed when a graph is made, so a small frontier has a body with few blocks of
// its own. Time is between two CUDA events around the launch. Source of the nodes' use: CUDA Programming Guide,
// "Conditional Graph Nodes" (SWITCH: since CUDA 12.8).
#include "bench/gpu/baselines/baseline_search.h"
#include "bench/gpu/baselines/gap_direction.h"
#include "bench/gpu/baselines/search_steps.cuh"
#include "bench/gpu/baselines/search_storage.h"
#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <array>
#include <utility>

namespace megabed::baselines {
namespace {

constexpr std::uint32_t kLanes = 256;
constexpr std::uint32_t kFewBlocks = 32;
constexpr std::uint32_t kFewArcs = kFewBlocks * kLanes * 2;

/// The bodies of the SWITCH node.
enum class Step : std::uint32_t {
    PushFew,        ///< by kFewBlocks
    Push,           ///< by all that are resident
    Pull,           ///< likewise
    UnpackAndPush,  ///< after a pull: first the queue
    None,           ///< no body: the frontier is empty
};
constexpr std::uint32_t kBodies = static_cast<std::uint32_t>(Step::None);

/// Where the search stands, in device memory: kernels of a graph keep their arguments.
struct ReplayState {
    GapDirection direction{};
    Wave wave{};
    Step last = Step::None;  ///< what the wave before was; None: there was none
};

__global__ void decide(SearchArrays arrays, ReplayState* state, cudaGraphConditionalHandle loop,
                       cudaGraphConditionalHandle step) {
    ReplayState now = *state;
    if (now.last != Step::None) {
        const std::uint64_t found = arrays.next[now.wave.depth % 3].tally;
        if (now.last == Step::Pull) {
            now.wave.pulled(found);
        } else {
            now.wave.pushed(found);
        }
    }
    const std::uint32_t vertices = gpu::tally_vertices(now.wave.frontier);
    const std::uint32_t arcs = gpu::tally_arcs(now.wave.frontier);
    if (vertices == 0 || now.wave.depth >= arrays.vertices) {  // no search has more waves than vertices
        now.last = Step::None;
        cudaGraphSetConditional(loop, 0);
    } else if (now.direction.pulls(vertices, arcs)) {
        now.last = Step::Pull;
    } else if (now.last == Step::Pull) {
        now.last = Step::UnpackAndPush;
    } else {
        now.last = arcs <= kFewArcs ? Step::PushFew : Step::Push;
    }
    cudaGraphSetConditional(step, static_cast<unsigned>(now.last));
    *arrays.waves_done = now.wave.depth;
    *state = now;
}

__global__ void __launch_bounds__(kLanes) push_step(SearchArrays arrays, const ReplayState* state) {
    const Wave wave = state->wave;
    push(arrays, wave);
}
__global__ void __launch_bounds__(kLanes) pull_step(SearchArrays arrays, const ReplayState* state) {
    const Wave wave = state->wave;
    pull<kLanes>(arrays, wave);
}
__global__ void __launch_bounds__(kLanes) unpack_step(SearchArrays arrays, const ReplayState* state) {
    const Wave wave = state->wave;
    queue_of_bitmaps(arrays, wave);
}

/// A graph that is being made, then launched again and again. The first failure is kept, and all that follows
/// is left out.
class ReplayGraph {
public:
    ReplayGraph() = default;
    ReplayGraph(const ReplayGraph&) = delete;
    ReplayGraph& operator=(const ReplayGraph&) = delete;
    ~ReplayGraph() {
        (void)cudaGraphExecDestroy(executable_);
        (void)cudaGraphDestroy(graph_);
        (void)cudaGetLastError();
    }

    [[nodiscard]] Loaded<void> make(const SearchArrays& arrays, ReplayState* state, std::uint32_t push_blocks,
                                    std::uint32_t pull_blocks) {
        keep(cudaGraphCreate(&graph_, 0), "cudaGraphCreate");
        cudaGraphConditionalHandle loop = handle(graph_, 1, cudaGraphCondAssignDefault);
        cudaGraph_t body = nullptr;
        (void)conditional(graph_, nullptr, loop, cudaGraphCondTypeWhile, &body, 1);
        cudaGraphConditionalHandle step = handle(body, 0, 0);  // `decide` sets it every time
        SearchArrays own = arrays;
        void* deciding[] = {&own, &state, &loop, &step};
        cudaGraphNode_t decided = kernel(body, nullptr, reinterpret_cast<void*>(&decide), 1, 1, deciding);
        std::array<cudaGraph_t, kBodies> steps{};
        (void)conditional(body, &decided, step, cudaGraphCondTypeSwitch, steps.data(), kBodies);

        void* stepping[] = {&own, &state};
        const auto body_of = [&](Step which) { return steps[static_cast<std::size_t>(which)]; };
        void* const pushes = reinterpret_cast<void*>(&push_step);
        void* const unpacks = reinterpret_cast<void*>(&unpack_step);
        (void)kernel(body_of(Step::PushFew), nullptr, pushes, std::min(kFewBlocks, push_blocks), kLanes,
                     stepping);
        (void)kernel(body_of(Step::Push), nullptr, pushes, push_blocks, kLanes, stepping);
        (void)kernel(body_of(Step::Pull), nullptr, reinterpret_cast<void*>(&pull_step), pull_blocks, kLanes,
                     stepping);
        cudaGraphNode_t unpacked =
            kernel(body_of(Step::UnpackAndPush), nullptr, unpacks, pull_blocks, kLanes, stepping);
        (void)kernel(body_of(Step::UnpackAndPush), &unpacked, pushes, push_blocks, kLanes, stepping);
        if (kept_) {
            keep(cudaGraphInstantiate(&executable_, graph_, 0), "cudaGraphInstantiate");
        }
        return kept_;
    }

    [[nodiscard]] Loaded<void> launch(cudaStream_t stream) {
        return cuda_check(cudaGraphLaunch(executable_, stream), "cudaGraphLaunch");
    }

private:
    void keep(cudaError_t status, std::string_view call) {
        if (auto done = cuda_check(status, call); !done && kept_) {
            kept_ = std::move(done);
        }
    }

    cudaGraphConditionalHandle handle(cudaGraph_t graph, unsigned value, unsigned flags) {
        cudaGraphConditionalHandle made{};
        if (kept_) {
            keep(cudaGraphConditionalHandleCreate(&made, graph, value, flags),
                 "cudaGraphConditionalHandleCreate");
        }
        return made;
    }

    cudaGraphNode_t add(cudaGraph_t graph, const cudaGraphNode_t* after, cudaGraphNodeParams& parameters) {
        cudaGraphNode_t node = nullptr;
        if (kept_) {
            keep(cudaGraphAddNode(&node, graph, after, nullptr, after == nullptr ? 0 : 1, &parameters),
                 "cudaGraphAddNode");
        }
        return node;
    }

    cudaGraphNode_t conditional(cudaGraph_t graph, const cudaGraphNode_t* after,
                                cudaGraphConditionalHandle value, cudaGraphConditionalNodeType type,
                                cudaGraph_t* bodies, std::uint32_t count) {
        cudaGraphNodeParams parameters{};
        parameters.type = cudaGraphNodeTypeConditional;
        parameters.conditional.handle = value;
        parameters.conditional.type = type;
        parameters.conditional.size = count;
        const cudaGraphNode_t node = add(graph, after, parameters);
        if (kept_) {
            std::copy_n(parameters.conditional.phGraph_out, count, bodies);
        }
        return node;
    }

    cudaGraphNode_t kernel(cudaGraph_t graph, const cudaGraphNode_t* after, void* function,
                           std::uint32_t blocks, std::uint32_t lanes, void** arguments) {
        cudaGraphNodeParams parameters{};
        parameters.type = cudaGraphNodeTypeKernel;
        parameters.kernel.func = function;
        parameters.kernel.gridDim = dim3(blocks);
        parameters.kernel.blockDim = dim3(lanes);
        parameters.kernel.kernelParams = arguments;
        return add(graph, after, parameters);
    }

    cudaGraph_t graph_ = nullptr;
    cudaGraphExec_t executable_ = nullptr;
    Loaded<void> kept_{};
};

class GraphReplay final : public BaselineSearch {
public:
    explicit GraphReplay(SearchStorage storage) : storage_(std::move(storage)) {}
    ~GraphReplay() override {
        (void)cudaStreamSynchronize(storage_.stream());
        (void)cudaFree(state_);
    }

    [[nodiscard]] Loaded<void> open() {
        // SWITCH nodes came with CUDA 12.8; an older driver would refuse with a less telling message.
        constexpr int kSwitchNodes = 12'080;
        int driver = 0;
        if (const auto asked = cuda_check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion"); !asked) {
            return asked;
        }
        if (driver < kSwitchNodes) {
            return cuda_refusal("the driver", "has no SWITCH nodes in CUDA graphs",
                                "a driver for CUDA 12.8 or newer");
        }
        if (const auto got = cuda_check(cudaMalloc(&state_, sizeof(ReplayState)), "cudaMalloc"); !got) {
            return got;
        }
        const auto pushing = resident_blocks(reinterpret_cast<const void*>(&push_step), kLanes);
        const auto pulling = resident_blocks(reinterpret_cast<const void*>(&pull_step), kLanes);
        if (!pushing || !pulling) {
            return Refusal(pushing ? pulling.error() : pushing.error());
        }
        return graph_.make(storage_.arrays(), state_, *pushing, *pulling);
    }

    [[nodiscard]] Loaded<void> run(Vertex root) override {
        const auto begun = storage_.begin(root);
        if (!begun) {
            return Refusal(begun.error());
        }
        const SearchArrays& arrays = storage_.arrays();
        const ReplayState fresh{GapDirection(arrays.vertices, arrays.arcs), *begun, Step::None};
        if (const auto put = cuda_check(
                cudaMemcpyAsync(state_, &fresh, sizeof(fresh), cudaMemcpyHostToDevice, storage_.stream()),
                "cudaMemcpyAsync");
            !put) {
            return put;
        }
        if (const auto started = storage_.start_clock(); !started) {
            return started;
        }
        if (const auto launched = graph_.launch(storage_.stream()); !launched) {
            return launched;
        }
        const auto took = storage_.stop_clock();
        const auto waves = storage_.waves_done();
        if (!took || !waves) {
            return Refusal(took ? waves.error() : took.error());
        }
        seconds_ = *took;
        waves_ = *waves;
        return {};
    }

    [[nodiscard]] double seconds() const override { return seconds_; }
    [[nodiscard]] std::string_view clock() const override { return "CUDA events"; }
    [[nodiscard]] std::uint32_t waves() const override { return waves_; }
    [[nodiscard]] Loaded<std::vector<std::uint32_t>> levels() override { return storage_.levels(); }

private:
    SearchStorage storage_;
    ReplayGraph graph_;
    ReplayState* state_ = nullptr;
    double seconds_ = 0;
    std::uint32_t waves_ = 0;
};

}  // namespace

Loaded<std::unique_ptr<BaselineSearch>> graph_replay_search(const CsrGraph& graph) {
    auto storage = SearchStorage::make(graph);
    if (!storage) {
        return Refusal(storage.error());
    }
    auto search = std::make_unique<GraphReplay>(*std::move(storage));
    if (const auto opened = search->open(); !opened) {
        return Refusal(opened.error());
    }
    return search;
}

}  // namespace megabed::baselines
