#pragma once

#include "gpu/megakernel/orders.cuh"
#include "gpu/megakernel/output_queue.cuh"
#include "gpu/megakernel/solo_levels.cuh"

/// What thread 0 of a block does between two waves: it concludes a wave, notes the launch, has the next one
/// decided and tells the blocks outside.
namespace megabed::gpu {

/// Whether a wave of this topology looks at the vertices that are not in the frontier.
[[nodiscard]] __device__ constexpr bool pulls(DispatchTopology topology) {
    return topology == DispatchTopology::DenseFrontier || topology == DispatchTopology::FusedDense;
}

template <TraversalKind kKind, class Decider>
class LaunchControl {
public:
    explicit __device__ LaunchControl(BlockShared& shared) : run_(shared.run), shared_(shared) {}

    /// Thread 0 of every block. Requires: `shared.run`.
    __device__ void begin() {
        shared_.state = run_.control->saved;
        shared_.orders = {};
        shared_.barrier_target = 0;
        shared_.calls = 0;
        shared_.blocks_before = gridDim.x;
        shared_.failed = 0;
        shared_.total[0] = 0;
        shared_.total[1] = 0;
        shared_.begun = {static_cast<std::uint64_t>(clock64()), clock_ns()};
        shared_.launch_start = stamp(run_);
        shared_.foreign = !Decider::is_meant_for(run_);
        shared_.launched = false;
        clear_launch();
        shared_.leavers = 0;
        shared_.leavers_before = 0;
        shared_.left = 0;
    }

    /// Thread 0 of the leader: what the host reads when the kernel has ended.
    __device__ void end() {
        RunControl& control = *run_.control;
        control.saved = shared_.state;
        const bool failed = shared_.failed != 0 || read_shared(control.failure.failed) != 0;
        control.stop = failed ? StopReason::Failed : shared_.orders.stop;
        control.notes = shared_.state.noted;
        control.begun = shared_.begun;
        control.ended = {static_cast<std::uint64_t>(clock64()), clock_ns()};
        if (run_.host_decides) {
            run_.doorbell->stop = control.stop;
            const SystemWord<std::uint32_t> asked(run_.doorbell->asked);
            asked.store<WordOrder::Release>(asked.load() + 1);
        }
    }

    /// Thread 0. What is decided on the device every block that took part decides for itself, and all come to
    /// the same; the others wait for a call.
    __device__ void take_orders(bool inside) {
        if (!(run_.host_decides ? blockIdx.x == 0 : inside)) {
            await_call(run_, shared_);
            shared_.blocks_before = shared_.orders.blocks;
            return;
        }
        if (shared_.launched) {
            conclude_launch();
        }
        const bool alone = shared_.orders.solo;
        WaveOrders orders{};
        orders.stop = decide(orders);
        if (orders.stop != StopReason::None) {
            orders.blocks = kAllBlocks;
        }
        shared_.launched = orders.stop == StopReason::None;
        shared_.orders = orders;
        if (!run_.host_decides) {
            count_leavers(orders.blocks);
        }
        shared_.calls_others = run_.host_decides || orders.blocks > shared_.blocks_before;
        shared_.blocks_before = orders.blocks;
        if (shared_.calls_others) {
            ++shared_.calls;
            // What a leader has done alone the others wait for, too, where the launch is theirs.
            const bool later = alone && !orders.solo && orders.stop != StopReason::Done;
            if (blockIdx.x == 0 && !later) {
                call_blocks(run_, shared_);
            }
        }
    }

    /// Thread 0: what the wave has made of the frontier.
    __device__ void conclude_wave(std::uint32_t passes) {
        LoopState state = shared_.state;
        WaveTally& counted = counts();
        const bool pulled = pulls(shared_.orders.topology);
        const bool levels_pulled = kKind == TraversalKind::BreadthFirst && pulled;
        const std::uint64_t found = read_shared(counted.next);
        const std::uint64_t selected = read_shared(counted.selected);
        const std::uint64_t looked_at = read_shared(counted.inspected);
        const std::uint64_t next = kKind == TraversalKind::ShortestPaths ? selected : found;
        const std::uint64_t first_held =
            kKind == TraversalKind::BreadthFirst ? next : read_shared(counted.first_held);
        const std::uint64_t inspected = pulled ? looked_at : state.frontier.arcs;
        // A pull that ceased to fill the queue has taken fewer places than it has found vertices, or too many.
        const bool queue_filled =
            !levels_pulled || (selected == next && tally_vertices(next) <= kPulledQueueMost);
        shared_.items += state.frontier.vertices;
        shared_.arcs += inspected;
        shared_.waves += passes;
        ++shared_.levels;
        FrontierReadings& frontier = state.frontier;
        frontier.previous_vertices = frontier.vertices;
        frontier.vertices = tally_vertices(next);
        frontier.arcs = tally_arcs(next);
        frontier.visited += tally_vertices(first_held);
        frontier.unexplored_arcs -= tally_arcs(first_held);
        frontier.pull_ran = frontier.pull_ran || pulled;
        state.queue_filled = queue_filled;
        state.bitmap = levels_pulled ? 1 - state.bitmap : state.bitmap;
        state.queue = queue_filled ? 1 - state.queue : state.queue;
        ++state.wave;
        state.resident_bytes = run_.co_tenants ? read_shared(counted.sampled_bytes) : run_.own_bytes;
        shared_.state = state;
    }

    /// Thread 0: the same for a level that this block has found alone; `begin_note` has counted it.
    __device__ void conclude_level(std::uint32_t vertices, std::uint32_t arcs) {
        LoopState& state = shared_.state;
        FrontierReadings frontier = state.frontier;
        frontier.previous_vertices = frontier.vertices;
        frontier.vertices = vertices;
        frontier.arcs = arcs;
        frontier.visited += vertices;
        frontier.unexplored_arcs -= arcs;
        state.frontier = frontier;
        state.queue = 1 - state.queue;
        ++state.wave;
    }

    /// The first half of the launch's note. A thread that has the least to do otherwise calls it, while the
    /// wave is under way.
    __device__ void begin_note() {
        const LoopState& state = shared_.state;
        LaunchNote& note = note_of(state.noted);
        note.frontier = state.frontier;
        note.resident_bytes = state.resident_bytes;
        note.recommendation = shared_.decision.recommendation;
        note.start_ns = shared_.launch_start;
        note.decided_ns = shared_.decided;
        note.groups = shared_.orders.groups;
        if (shared_.orders.solo) {
            note.items = state.frontier.vertices;
            note.arcs = state.frontier.arcs;
            note.waves = 1;
            note.levels = 1;
        }
    }

    /// Thread 0 of the leader, while it is alone: clears the counts that other blocks go on from, once none of
    /// them reads what stands there. True: that is done.
    [[nodiscard]] __device__ bool clear_counts() {
        shared_.left = DeviceWord<std::uint32_t>(run_.control->left).load<WordOrder::Acquire>();
        if (shared_.left < shared_.leavers) {
            return false;
        }
        for (WaveTally& tally : run_.control->tally) {
            tally = {};
        }
        return true;
    }

    /// Thread 0 of the leader: other blocks go on from where it stands.
    __device__ void resume_others(bool counts_cleared) {
        if (!counts_cleared) {
            shared_.leavers_before = shared_.leavers;
            await_leavers(run_, shared_);
            (void)clear_counts();
        }
        if (shared_.calls_others) {
            call_blocks(run_, shared_);
        }
    }

private:
    [[nodiscard]] __device__ WaveTally& counts() const { return run_.control->tally[shared_.state.wave % 3]; }

    /// Thread 0: the next launch.
    [[nodiscard]] __device__ StopReason decide(WaveOrders& orders) {
        if (shared_.failed != 0) {
            return StopReason::Failed;
        }
        if (shared_.foreign) {
            return StopReason::Foreign;
        }
        if (shared_.state.frontier.vertices == 0) {
            return StopReason::Done;
        }
        if (run_.host_decides) {
            const StopReason stop = ask_host(run_, shared_);
            if (stop != StopReason::None) {
                return stop;
            }
        } else if (shared_.state.noted >= run_.notes_max) {
            return StopReason::RecordsFull;
        } else if (!Decider::decide(run_, shared_)) {
            return StopReason::Refused;
        } else if (!Decider::kCompiled && run_.compiles &&
                   shared_.decision.recommendation.execution_mode == ExecutionMode::Jit) {
            return StopReason::WantsCompiled;
        } else {
            shared_.state.policy = shared_.decision.next;
        }
        grant(run_, shared_.decision.recommendation, orders);
        shared_.decided = stamp(run_);
        if (kKind == TraversalKind::BreadthFirst && fits_solo(run_, shared_.state, orders)) {
            orders.solo = true;
            orders.lanes = min(orders.lanes * orders.blocks, kBlockLanes);
            orders.blocks = 1;
        }
        return StopReason::None;
    }

    /// Thread 0: blocks that go outside say so when they have read the counts that brought them to it.
    __device__ void count_leavers(std::uint32_t blocks) {
        shared_.leavers_before = shared_.leavers;
        shared_.leavers += shared_.blocks_before - min(blocks, shared_.blocks_before);
        if (blockIdx.x >= blocks) {
            DeviceWord<std::uint32_t>(run_.control->left).fetch_add<WordOrder::Release>(1);
        }
    }

    /// Thread 0: the second half of the note, and the counts of the next launch.
    __device__ void conclude_launch() {
        const std::uint64_t now = stamp(run_);
        if (blockIdx.x == 0) {
            LaunchNote& note = note_of(shared_.state.noted);
            note.end_ns = now;
            if (!shared_.orders.solo) {  // else `begin_note` has told them
                note.items = shared_.items;
                note.arcs = shared_.arcs;
                note.waves = shared_.waves;
                note.levels = shared_.levels;
                clear_launch();
            }
        }
        shared_.launch_start = now;
        ++shared_.state.noted;
    }
    /// Only the leader's are read.
    __device__ void clear_launch() {
        shared_.items = 0;
        shared_.arcs = 0;
        shared_.waves = 0;
        shared_.levels = 0;
    }

    [[nodiscard]] __device__ LaunchNote& note_of(std::uint32_t launch) const {
        return run_.host_decides ? run_.doorbell->finished : run_.notes[launch];
    }

    const RunArguments& run_;
    BlockShared& shared_;
};

/// Concludes the launch that is over and has the next one decided. A function of its own, so that the kernel's
/// other code has its registers to itself. Called by thread 0.
template <TraversalKind kKind, class Decider>
static __device__ __noinline__ void next_launch(BlockShared& shared, bool inside) {
    __builtin_assume(__isShared(&shared));
    LaunchControl<kKind, Decider>(shared).take_orders(inside);
}

}  // namespace megabed::gpu
