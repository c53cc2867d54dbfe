#include "gpu/megakernel/resident_launch.h"

#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <string>

namespace megabed {

namespace {

/// More than 48 KiB a kernel has to be allowed; that is a property of the kernel, which all who launch it
/// share. What is refused here is refused by what comes next, too.
void allow_shared_bytes(const void* kernel, std::size_t shared_bytes) {
    constexpr std::size_t kWithoutAsking = std::size_t{48} << 10;
    if (shared_bytes > kWithoutAsking) {
        (void)cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   static_cast<int>(shared_bytes));
        (void)cudaGetLastError();
    }
}

}  // namespace

Loaded<std::uint32_t> cooperative_blocks(const void* kernel, std::uint32_t lanes, std::size_t shared_bytes) {
    int device = 0;
    cudaDeviceProp properties{};
    int blocks = 0;
    if (const auto got = cuda_check(cudaGetDevice(&device), "cudaGetDevice"); !got) {
        return Refusal(got.error());
    }
    if (const auto got = cuda_check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
        !got) {
        return Refusal(got.error());
    }
    allow_shared_bytes(kernel, shared_bytes);
    if (const auto got = cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                                        &blocks, kernel, static_cast<int>(lanes), shared_bytes),
                                    "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
        !got) {
        return Refusal(got.error());
    }
    if (properties.cooperativeLaunch == 0 || blocks == 0) {
        return cuda_refusal("the card",
                            std::string(properties.name) + " cannot keep a block of " + std::to_string(lanes) +
                                " lanes of the kernel resident",
                            "a card with cooperative launches");
    }
    return static_cast<std::uint32_t>(properties.multiProcessorCount * blocks);
}

ResidentStream::~ResidentStream() {
    if (stream_ == nullptr) {
        return;
    }
    (void)cudaEventDestroy(before_);
    (void)cudaEventDestroy(after_);
    (void)cudaStreamDestroy(stream_);
    (void)cudaGetLastError();
}

Loaded<void> ResidentStream::open() {
    if (const auto made =
            cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        !made) {
        return made;
    }
    if (const auto made = cuda_check(cudaEventCreate(&before_), "cudaEventCreate"); !made) {
        return made;
    }
    return cuda_check(cudaEventCreate(&after_), "cudaEventCreate");
}

Loaded<void> ResidentStream::launch(const void* kernel, std::uint32_t blocks, std::uint32_t lanes,
                                    void* argument, std::size_t shared_bytes) {
    void* arguments[] = {argument};
    allow_shared_bytes(kernel, shared_bytes);
    (void)cudaEventRecord(before_, stream_);
    const auto launched = cuda_check(
        cudaLaunchCooperativeKernel(kernel, dim3(blocks), dim3(lanes), arguments, shared_bytes, stream_),
        "cudaLaunchCooperativeKernel");
    (void)cudaEventRecord(after_, stream_);
    return launched;
}

Loaded<void> ResidentStream::wait() {
    return cuda_check(cudaStreamSynchronize(stream_), "the resident kernel");
}

std::optional<Loaded<void>> ResidentStream::ended() {
    const cudaError_t status = cudaEventQuery(after_);
    if (status == cudaErrorNotReady) {
        return std::nullopt;
    }
    return cuda_check(status, "the resident kernel");
}

double ResidentStream::seconds() const {
    float milliseconds = 0;
    (void)cudaEventElapsedTime(&milliseconds, before_, after_);
    constexpr double kMillisecond = 1e-3;
    return static_cast<double>(milliseconds) * kMillisecond;
}

}  // namespace megabed
