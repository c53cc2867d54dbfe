#pragma once

#include "gpu/prescribed/prescribed_decision.cuh"

/// The resident kernel of prescribed waves: launch after launch, until the host is needed.
namespace megabed::gpu {

class PrescribedMegakernel {
public:
    __device__ PrescribedMegakernel(const PrescribedArguments& run, PrescribedShared& shared)
        : run_(run), shared_(shared) {}

    __device__ void run() {
        begin();
        while (true) {
            make_next();
            wait_for_all();
            if (threadIdx.x == 0) {
                shared_.state.resident_bytes =
                    run_.run.co_tenants ? read_shared(run_.control->sampled_bytes[shared_.launches % 2])
                                        : run_.run.own_bytes;
                shared_.start = stamp(run_.run);
                take_prescribed_orders(run_, shared_);
            }
            __syncthreads();
            if (shared_.block.orders.stop != StopReason::None) {
                break;
            }
            const std::uint32_t steps = steps_of_launch();
            if (blockIdx.x < shared_.block.orders.blocks) {
                launch(steps);
            } else {
                sit_out(steps);
            }
            __syncthreads();
        }
        if (leads()) {
            end();
        }
    }

private:
    [[nodiscard]] __device__ bool leads() const { return blockIdx.x == 0 && threadIdx.x == 0; }
    [[nodiscard]] __device__ bool is_empty() const {
        return shared_.block.orders.topology == DispatchTopology::Empty;
    }
    [[nodiscard]] __device__ bool pulls() const {
        const DispatchTopology topology = shared_.block.orders.topology;
        return !run_.tokens &&
               (topology == DispatchTopology::DenseFrontier || topology == DispatchTopology::FusedDense);
    }
    /// Waves that the launch goes on by. A token that is empty is passed over.
    [[nodiscard]] __device__ std::uint32_t steps_of_launch() const {
        if (is_empty()) {
            return run_.tokens ? 1 : 0;
        }
        return min(shared_.block.orders.waves_max, run_.entry_count - shared_.state.at);
    }

    __device__ void begin() {
        if (threadIdx.x == 0) {
            shared_.state = run_.control->saved;
            shared_.block.orders = {};
            shared_.block.barrier_target = 0;
            shared_.block.failed = 0;
            shared_.block.begun = {static_cast<std::uint64_t>(clock64()), clock_ns()};
            shared_.block.run.inputs.parameters = run_.run.inputs.parameters;
            shared_.all_target = 0;
            shared_.launches = 0;
            shared_.calls = 0;
            take_entry();
        }
        __syncthreads();
    }

    __device__ void end() {
        PrescribedControl& control = *run_.control;
        control.saved = shared_.state;
        control.stop = shared_.block.failed != 0 ? StopReason::Failed : shared_.block.orders.stop;
        control.notes = shared_.state.noted;
        control.begun = shared_.block.begun;
        control.ended = {static_cast<std::uint64_t>(clock64()), clock_ns()};
        if (run_.run.host_decides) {
            run_.bell->stop = control.stop;
            const SystemWord<std::uint32_t> asked(run_.bell->asked);
            asked.store<WordOrder::Release>(asked.load() + 1);
        }
    }

    /// Thread 0: the entry of the next wave, if the table has it.
    __device__ void take_entry() {
        shared_.block.state.wave = static_cast<std::uint32_t>(shared_.state.wave);
        if (shared_.state.at < run_.entry_count) {
            shared_.entry = run_.entries[shared_.state.at];
        }
    }
    /// Thread 0.
    __device__ void step(std::uint32_t waves) {
        shared_.state.wave += waves;
        shared_.state.at += waves;
        take_entry();
    }

    /// All blocks: the frontier of the next wave, before its launch is decided. The leader looks at what others
    /// hold meanwhile; in turns into two words, since a block may still have to read the one before.
    __device__ void make_next() {
        if (leads() && run_.run.co_tenants) {
            run_.control->sampled_bytes[shared_.launches % 2] =
                run_.run.own_bytes + SystemWord<std::uint64_t>(run_.bell->co_tenant_bytes).load();
        }
        if (shared_.state.at < run_.entry_count && shared_.block.failed == 0) {
            make_frontier(run_, shared_, gridDim.x);
        }
    }

    /// Opens when all blocks have come, as `wait_for_blocks` does for those that take part in a launch.
    __device__ void wait_for_all() {
        __syncthreads();
        if (threadIdx.x == 0 && shared_.block.failed == 0) {
            shared_.all_target += gridDim.x;
            const DeviceWord<std::uint32_t> arrived(run_.control->arrived);
            arrived.fetch_add<WordOrder::Release>(1);
            Watchdog watchdog(run_.run, shared_.block);
            std::uint32_t now = arrived.load<WordOrder::Acquire>();
            while (static_cast<std::int32_t>(now - shared_.all_target) < 0) {
                if (!watchdog.wait(now, shared_.all_target)) {
                    shared_.block.failed = 1;
                    break;
                }
                now = arrived.load<WordOrder::Acquire>();
            }
        }
        __syncthreads();
    }

    /// A block that takes no part in the launch waits for its end.
    __device__ void sit_out(std::uint32_t steps) {
        __syncthreads();  // all have read the state
        if (threadIdx.x == 0) {
            ++shared_.launches;
            if (await_leader(run_, run_.control->finished, shared_.launches)) {
                shared_.block.barrier_target = run_.control->barrier_target;
            } else {
                shared_.block.failed = 1;
            }
            step(steps);
            ++shared_.state.noted;
        }
    }

    __device__ void launch(std::uint32_t steps) {
        if (threadIdx.x == 0) {
            shared_.making = 0;
            shared_.items = 0;
            shared_.arcs = 0;
            shared_.waves = 0;
            shared_.levels = 0;
        }
        __syncthreads();
        for (std::uint32_t wave = 0; wave < steps && shared_.block.failed == 0; ++wave) {
            const std::uint32_t passes = is_empty() ? 0 : expand();
            __syncthreads();  // all have read the state
            if (threadIdx.x == 0) {
                if (blockIdx.x == 0 && !is_empty()) {
                    finish_wave(passes);
                }
                step(1);
            }
            __syncthreads();
            if (wave + 1 < steps && shared_.block.failed == 0) {
                make_among_us();
            }
        }
        if (threadIdx.x == 0) {
            ++shared_.launches;
            if (blockIdx.x == 0) {
                note(steps);
                run_.control->barrier_target = shared_.block.barrier_target;
                DeviceWord<std::uint32_t>(run_.control->finished).store<WordOrder::Release>(shared_.launches);
            }
            ++shared_.state.noted;
        }
    }

    /// One wave by the blocks that take part. Returns its passes.
    __device__ std::uint32_t expand() {
        if (leads() && run_.fault != InjectedFault::None && shared_.state.wave == run_.fault_wave) {
            fault();
        }
        const std::uint64_t frontier = shared_.entry.frontier;
        const std::uint64_t capacity = shared_.block.orders.capacity;
        const DispatchTopology topology = shared_.block.orders.topology;
        const bool once = pulls() || run_.tokens || frontier == 0;
        const std::uint64_t passes = once ? 1 : (frontier + capacity - 1) / capacity;
        constexpr std::uint64_t kAll = ~std::uint64_t{0};
        PrescribedExpansion expansion(run_, shared_);
        for (std::uint64_t pass = 0; pass < passes && shared_.block.failed == 0; ++pass) {
            const std::uint64_t first = pass * capacity;
            const std::uint64_t last = min(first + capacity, frontier);
            if (pulls()) {
                expansion.pull();
            } else if (run_.tokens) {
                expansion.push_vertices(0, frontier, kAll);
            } else if (topology == DispatchTopology::MemoryConstrained) {
                expansion.push_vertices(first, last, kAll);
            } else if (pass != 0) {
                expansion.admit(first, last);
            } else if (topology == DispatchTopology::HybridFrontier) {
                expansion.push_arcs(frontier, capacity);
            } else {
                expansion.push_vertices(0, frontier, capacity);
            }
            if (pass + 1 == passes) {
                expansion.add_up();
            }
            wait_for_blocks(run_.run, shared_.block);
        }
        return static_cast<std::uint32_t>(passes);
    }

    /// The leader: takes what was counted, and clears it for the next wave, behind whose barrier nobody is yet.
    __device__ void finish_wave(std::uint32_t passes) {
        PrescribedCounts& counts = run_.control->counts;
        const PrescribedTally tally{read_shared(counts.arcs), read_shared(counts.hits),
                                    read_shared(counts.sum)};
        counts = {};
        shared_.state.result = with_wave(shared_.state.result, tally);
        shared_.items += shared_.entry.frontier;
        shared_.arcs += tally.arcs;
        shared_.waves += passes;
        ++shared_.levels;
    }

    /// A fused launch goes on: the blocks that take part make the next frontier.
    __device__ void make_among_us() {
        const std::uint64_t before = leads() ? stamp(run_.run) : 0;
        make_frontier(run_, shared_, shared_.block.orders.blocks);
        wait_for_blocks(run_.run, shared_.block);
        if (leads()) {
            shared_.making += stamp(run_.run) - before;
        }
    }

    __device__ void note(std::uint32_t steps) {
        PrescribedNote& note = run_.run.host_decides ? run_.bell->finished : run_.notes[shared_.state.noted];
        note.wave = shared_.state.wave - steps;
        note.resident_bytes = shared_.state.resident_bytes;
        note.recommendation = shared_.block.decision.recommendation;
        note.start_ns = shared_.start;
        note.making_ns = shared_.making;
        note.items = shared_.items;
        note.arcs = shared_.arcs;
        note.waves = shared_.waves;
        note.levels = shared_.levels;
        note.groups = is_empty() ? 0 : shared_.block.orders.groups;
        note.end_ns = stamp(run_.run);
    }

    __device__ void fault() const {
        if (run_.fault == InjectedFault::Trap) {
            __trap();
        }
        constexpr std::uint64_t kNowhere = 16;
        asm volatile("st.global.u32 [%0], %1;" ::"l"(kNowhere), "r"(1U) : "memory");
    }

    const PrescribedArguments& run_;
    PrescribedShared& shared_;
};

}  // namespace megabed::gpu
