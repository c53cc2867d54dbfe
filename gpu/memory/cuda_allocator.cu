#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_allocator.h"

#include <cuda_runtime.h>
#include <cstdint>

namespace megabed {
namespace {

/// What the driver reserves at a time. The pool's own cap is rounded up to it, or the last few MiB under a cap
/// that is no multiple could not be had; the accounting of `DevicePool` holds the exact cap.
constexpr std::uint64_t kReserveUnit = std::uint64_t{32} << 20;

Loaded<int> attribute(cudaDeviceAttr name, int device) {
    int value = 0;
    if (const auto asked = cuda_check(cudaDeviceGetAttribute(&value, name, device), "cudaDeviceGetAttribute");
        !asked) {
        return Refusal(asked.error());
    }
    return value;
}

/// Everything goes through a stream of its own that waits for no other one: copies and allocations go on while
/// a kernel stays resident.
class CudaAllocator final : public DeviceAllocator {
public:
    CudaAllocator() = default;
    ~CudaAllocator() override {
        if (pool_ != nullptr) {
            (void)cudaMemPoolDestroy(pool_);
        }
        if (stream_ != nullptr) {
            (void)cudaStreamDestroy(stream_);
        }
        (void)cudaGetLastError();
    }

    [[nodiscard]] Loaded<void> open(std::optional<Bytes> cap) {
        int device = 0;
        if (const auto got = cuda_check(cudaGetDevice(&device), "cudaGetDevice"); !got) {
            return got;
        }
        if (const auto made = cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
                                         "cudaStreamCreateWithFlags");
            !made) {
            return made;
        }
        const auto supported = attribute(cudaDevAttrMemoryPoolsSupported, device);
        if (!supported) {
            return Refusal(supported.error());
        }
        if (*supported == 0) {
            return {};
        }
        cudaMemPoolProps properties{};
        properties.allocType = cudaMemAllocationTypePinned;
        properties.location.type = cudaMemLocationTypeDevice;
        properties.location.id = device;
        if (cap) {
            properties.maxSize = div_ceil(cap->value(), kReserveUnit) * kReserveUnit;
        }
        if (const auto made = cuda_check(cudaMemPoolCreate(&pool_, &properties), "cudaMemPoolCreate"); !made) {
            return made;
        }
        std::uint64_t keep_everything = UINT64_MAX;
        return cuda_check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_everything),
                          "cudaMemPoolSetAttribute");
    }

    [[nodiscard]] Loaded<void*> allocate(Bytes size) override {
        void* address = nullptr;
        if (pool_ == nullptr) {
            if (const auto got = cuda_check(cudaMalloc(&address, size.value()), "cudaMalloc"); !got) {
                return Refusal(got.error());
            }
            return address;
        }
        cudaError_t code = cudaMallocFromPoolAsync(&address, size.value(), pool_, stream_);
        if (code == cudaErrorMemoryAllocation) {
            // What was freed may lie in pieces that are each too small: give them back and ask again.
            (void)cudaGetLastError();
            (void)cudaStreamSynchronize(stream_);
            (void)cudaMemPoolTrimTo(pool_, 0);
            code = cudaMallocFromPoolAsync(&address, size.value(), pool_, stream_);
        }
        if (const auto got = cuda_check(code, "cudaMallocFromPoolAsync"); !got) {
            return Refusal(got.error());
        }
        if (const auto ready = finish(); !ready) {
            return Refusal(ready.error());
        }
        return address;
    }

    void release(void* address) noexcept override {
        if (pool_ == nullptr) {
            (void)cudaFree(address);
        } else {
            (void)cudaFreeAsync(address, stream_);
        }
        (void)cudaGetLastError();
    }

    [[nodiscard]] Loaded<void> upload(void* to, std::span<const std::byte> from) override {
        return finish_after(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream_),
                            "cudaMemcpyAsync to the device");
    }
    [[nodiscard]] Loaded<void> download(std::span<std::byte> to, const void* from) override {
        return finish_after(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream_),
                            "cudaMemcpyAsync from the device");
    }
    [[nodiscard]] Loaded<void> fill(void* to, std::byte value, Bytes size) override {
        return finish_after(cudaMemsetAsync(to, std::to_integer<int>(value), size.value(), stream_),
                            "cudaMemsetAsync");
    }

    [[nodiscard]] std::string_view route() const override {
        return pool_ == nullptr ? "cudaMalloc" : "stream-ordered pool";
    }

private:
    [[nodiscard]] Loaded<void> finish() {
        return cuda_check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    }
    [[nodiscard]] Loaded<void> finish_after(cudaError_t code, std::string_view call) {
        const auto begun = cuda_check(code, call);
        return begun ? finish() : begun;
    }

    cudaStream_t stream_ = nullptr;
    cudaMemPool_t pool_ = nullptr;  ///< null: cudaMalloc
};

}  // namespace

Loaded<std::unique_ptr<DeviceAllocator>> cuda_allocator(std::optional<Bytes> cap) {
    if (const auto usable = cuda_usable(); !usable) {
        return Refusal(usable.error());
    }
    auto allocator = std::make_unique<CudaAllocator>();
    if (const auto opened = allocator->open(cap); !opened) {
        return Refusal(opened.error());
    }
    return allocator;
}

}  // namespace megabed
