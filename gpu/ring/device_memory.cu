#include "gpu/memory/cuda_check.h"
#include "gpu/ring/device_memory.h"

#include "gpu/device_policy.h"

#include <cuda_runtime.h>
#include <cstring>
#include <string>

namespace megabed {
namespace {

class PlainAllocator final : public RingAllocator {
public:
    Loaded<void*> allocate(Bytes bytes) override {
        void* memory = nullptr;
        if (const cudaError_t code = cudaMalloc(&memory, bytes.value()); code != cudaSuccess) {
            (void)cudaGetLastError();  // out of memory is no reason for the next call to fail
            const std::string doing = "allocating " + std::to_string(bytes.value()) + " bytes on the device";
            return cuda_failed(doing.c_str(), code);
        }
        return memory;
    }
    void release(void* memory) override { (void)cudaFree(memory); }
};

}  // namespace

RingAllocator& plain_ring_allocator() {
    static PlainAllocator allocator;
    return allocator;
}

bool reset_device() {
    const bool reset = cudaDeviceReset() == cudaSuccess;
    (void)cudaGetLastError();
    return reset && cudaFree(nullptr) == cudaSuccess;
}

Refusal cuda_failed(const char* doing, int code) {
    return cuda_refusal({}, std::string(doing) + ": " + cudaGetErrorString(static_cast<cudaError_t>(code)), "");
}

Loaded<DeviceMemory> DeviceMemory::make(RingAllocator& allocator, Bytes bytes) {
    const Loaded<void*> block = allocator.allocate(bytes);
    if (!block) {
        return Refusal(block.error());
    }
    DeviceMemory memory;
    memory.allocator_ = &allocator;
    memory.data_ = *block;
    return memory;
}

DeviceMemory::~DeviceMemory() {
    if (data_ != nullptr) {
        allocator_->release(data_);
    }
}

Loaded<MappedMemory> MappedMemory::make(Bytes bytes) {
    MappedMemory memory;
    if (const cudaError_t code =
            cudaHostAlloc(&memory.host_, bytes.value(), cudaHostAllocMapped | cudaHostAllocPortable);
        code != cudaSuccess) {
        memory.host_ = nullptr;
        return cuda_failed("allocating memory that host and device share", code);
    }
    std::memset(memory.host_, 0, bytes.value());
    if (const cudaError_t code = cudaHostGetDevicePointer(&memory.device_, memory.host_, 0);
        code != cudaSuccess) {
        return cuda_failed("mapping host memory into the device", code);
    }
    return memory;
}

MappedMemory::~MappedMemory() {
    if (host_ != nullptr) {
        (void)cudaFreeHost(host_);
    }
}

}  // namespace megabed
