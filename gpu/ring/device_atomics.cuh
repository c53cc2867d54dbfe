#pragma once

#include "sim/ring/ring_protocol.h"

#include <cuda/atomic>
#include <nv/target>

namespace megabed {

/// The ring's atomics on a device, by libcu++. Device scope: a ring lies in device memory and is touched by one
/// kernel at a time; what the host shares lies in mail of its own (gpu/service/service_mail.h), where System
/// is the scope. Read-modify-writes of memory that both sides write would not be atomic across PCIe.
template <cuda::thread_scope kScope>
class ScopedAtomics {
public:
    template <class Word>
    __host__ __device__ static Word load(Word& word) {
        return Ref<Word>(word).load(cuda::memory_order_acquire);
    }
    template <class Word>
    __host__ __device__ static Word load_relaxed(Word& word) {
        return Ref<Word>(word).load(cuda::memory_order_relaxed);
    }
    template <class Word>
    __host__ __device__ static void store(Word& word, Word value) {
        Ref<Word>(word).store(value, cuda::memory_order_release);
    }
    template <class Word>
    __host__ __device__ static void store_relaxed(Word& word, Word value) {
        Ref<Word>(word).store(value, cuda::memory_order_relaxed);
    }
    template <class Word>
    __host__ __device__ static Word add_acquire(Word& word, Word amount) {
        return Ref<Word>(word).fetch_add(amount, cuda::memory_order_acquire);
    }
    template <class Word>
    __host__ __device__ static Word add(Word& word, Word amount) {
        return Ref<Word>(word).fetch_add(amount, cuda::memory_order_acq_rel);
    }
    template <class Word>
    __host__ __device__ static Word add_relaxed(Word& word, Word amount) {
        return Ref<Word>(word).fetch_add(amount, cuda::memory_order_relaxed);
    }
    template <class Word>
    __host__ __device__ static void note(Word& word, Word amount) {
        Ref<Word>(word).fetch_add(amount, cuda::memory_order_relaxed);
    }
    template <class Word>
    __host__ __device__ static void note_after(Word& word, Word amount) {
        Ref<Word>(word).fetch_add(amount, cuda::memory_order_release);
    }
    template <class Word>
    __host__ __device__ static Word subtract(Word& word, Word amount) {
        return Ref<Word>(word).fetch_sub(amount, cuda::memory_order_acq_rel);
    }
    template <class Word>
    __host__ __device__ static void set_bits(Word& word, Word bits) {
        Ref<Word>(word).fetch_or(bits, cuda::memory_order_acq_rel);
    }
    template <class Word>
    __host__ __device__ static void clear_bits(Word& word, Word bits) {
        Ref<Word>(word).fetch_and(static_cast<Word>(~bits), cuda::memory_order_acq_rel);
    }
    template <class Word>
    __host__ __device__ static void flip_after(Word& word, Word bits) {
        Ref<Word>(word).fetch_xor(bits, cuda::memory_order_release);
    }
    template <class Word>
    __host__ __device__ static bool exchange_if(Word& word, Word& expected, Word desired) {
        return Ref<Word>(word).compare_exchange_strong(expected, desired, cuda::memory_order_acq_rel,
                                                       cuda::memory_order_acquire);
    }
    template <class Word>
    __host__ __device__ static bool exchange_if_relaxed(Word& word, Word& expected, Word desired) {
        return Ref<Word>(word).compare_exchange_strong(expected, desired, cuda::memory_order_relaxed,
                                                       cuda::memory_order_relaxed);
    }
    template <class Word>
    __host__ __device__ static bool exchange_if_release(Word& word, Word& expected, Word desired) {
        return Ref<Word>(word).compare_exchange_strong(expected, desired, cuda::memory_order_release,
                                                       cuda::memory_order_relaxed);
    }
    __host__ __device__ static void pause(std::uint32_t round) {
        NV_IF_TARGET(NV_IS_DEVICE, (__nanosleep(backoff_ns(round));), ((void)round;))
    }
    __host__ __device__ static void at(RingPoint /*point*/) {}

private:
    template <class Word>
    using Ref = cuda::atomic_ref<Word, kScope>;
};

using DeviceAtomics = ScopedAtomics<cuda::thread_scope_device>;
using SystemAtomics = ScopedAtomics<cuda::thread_scope_system>;
using DeviceRing = Ring<DeviceAtomics>;

}  // namespace megabed
