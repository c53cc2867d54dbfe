#pragma once

#include "gpu/memory/mapped_memory.h"
#include "policy/units.h"
#include "sim/input_error.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

struct CUstream_st;
struct CUevent_st;

namespace megabed {

/// Blocks of a kernel that the card keeps resident at once. Errors: Unavailable, where it has no cooperative
/// launches or keeps none; what CUDA says.
[[nodiscard]] Loaded<std::uint32_t> cooperative_blocks(const void* kernel, std::uint32_t lanes,
                                                       std::size_t shared_bytes = 0);

/// A stream for kernels that stay resident, with the events around the last one.
class ResidentStream {
public:
    ResidentStream() = default;
    ResidentStream(const ResidentStream&) = delete;
    ResidentStream& operator=(const ResidentStream&) = delete;
    ~ResidentStream();

    /// Errors, here and below: what CUDA says.
    [[nodiscard]] Loaded<void> open();
    [[nodiscard]] CUstream_st* get() const { return stream_; }
    /// Launches a cooperative kernel of one argument.
    [[nodiscard]] Loaded<void> launch(const void* kernel, std::uint32_t blocks, std::uint32_t lanes,
                                      void* argument, std::size_t shared_bytes = 0);
    /// Waits for everything on the stream.
    [[nodiscard]] Loaded<void> wait();
    /// How the last kernel ended; absent while it runs.
    [[nodiscard]] std::optional<Loaded<void>> ended();
    /// Time of the last kernel, which has ended.
    [[nodiscard]] double seconds() const;

private:
    CUstream_st* stream_ = nullptr;
    CUevent_st* before_ = nullptr;
    CUevent_st* after_ = nullptr;
};

/// One value in host memory that the device reads and writes in place.
template <class Value>
class MappedValue {
    static_assert(std::is_trivially_copyable_v<Value> && std::is_trivially_destructible_v<Value>);

public:
    /// Errors: as MappedMemory.
    [[nodiscard]] Loaded<void> open() {
        auto made = MappedMemory::make(Bytes(sizeof(Value)));
        if (!made) {
            return Refusal(made.error());
        }
        memory_ = *std::move(made);
        host_ = new (memory_.host()) Value();
        return {};
    }
    [[nodiscard]] Value& host() const { return *host_; }
    [[nodiscard]] Value* device() const { return reinterpret_cast<Value*>(memory_.device()); }

private:
    MappedMemory memory_;
    Value* host_ = nullptr;
};

}  // namespace megabed
