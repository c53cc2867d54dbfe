#pragma once

#include <cstdint>

/// Words in device memory that several blocks, or the host too, read and write. By the compiler's own atomic
/// functions, which nvcc and NVRTC have without a library.
namespace megabed::gpu {

enum class WordOrder : int {
    Relaxed = __NV_ATOMIC_RELAXED,
    Acquire = __NV_ATOMIC_ACQUIRE,
    Release = __NV_ATOMIC_RELEASE,
    AcquireRelease = __NV_ATOMIC_ACQ_REL,
};

/// A reference to a word, which others may access at the same time through such references. kScope: whom the
/// orders hold for.
template <class Word, int kScope>
class ScopedWord {
public:
    __device__ explicit ScopedWord(Word& word) : word_(&word) {}

    template <WordOrder kOrder = WordOrder::Relaxed>
    [[nodiscard]] __device__ Word load() const {
        return __nv_atomic_load_n(word_, static_cast<int>(kOrder), kScope);
    }
    template <WordOrder kOrder = WordOrder::Relaxed>
    __device__ void store(Word value) const {
        __nv_atomic_store_n(word_, value, static_cast<int>(kOrder), kScope);
    }
    /// These return what was there before.
    template <WordOrder kOrder = WordOrder::Relaxed>
    __device__ Word fetch_add(Word value) const {
        return __nv_atomic_fetch_add(word_, value, static_cast<int>(kOrder), kScope);
    }
    __device__ Word fetch_or(Word bits) const {
        return __nv_atomic_fetch_or(word_, bits, __NV_ATOMIC_RELAXED, kScope);
    }
    __device__ Word fetch_and(Word bits) const {
        return __nv_atomic_fetch_and(word_, bits, __NV_ATOMIC_RELAXED, kScope);
    }
    __device__ Word fetch_min(Word value) const {
        return __nv_atomic_fetch_min(word_, value, __NV_ATOMIC_RELAXED, kScope);
    }
    __device__ Word fetch_max(Word value) const {
        return __nv_atomic_fetch_max(word_, value, __NV_ATOMIC_RELAXED, kScope);
    }
    __device__ Word exchange(Word value) const {
        return __nv_atomic_exchange_n(word_, value, __NV_ATOMIC_RELAXED, kScope);
    }
    /// Puts `desired` where `expected` was. False: it was something else.
    [[nodiscard]] __device__ bool exchange_if(Word expected, Word desired) const {
        return __nv_atomic_compare_exchange_n(word_, &expected, desired, false, __NV_ATOMIC_ACQ_REL,
                                              __NV_ATOMIC_RELAXED, kScope);
    }

private:
    Word* word_;
};

template <class Word>
using DeviceWord = ScopedWord<Word, __NV_THREAD_SCOPE_DEVICE>;
template <class Word>
using SystemWord = ScopedWord<Word, __NV_THREAD_SCOPE_SYSTEM>;

/// Reads what other blocks have written before a barrier and may write again after the next.
template <class Word>
[[nodiscard]] __device__ Word read_shared(Word& word) {
    return DeviceWord<Word>(word).load();
}

}  // namespace megabed::gpu
