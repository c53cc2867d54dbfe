#pragma once

#include <cstdint>

/// How the CUDA megakernel spreads what a recommendation asks for over resident blocks. The kernel and the cost
/// model both read it here.
namespace megabed {

inline constexpr std::uint32_t kMegakernelBlockLanes = 1024;  ///< of a block; one is resident a multiprocessor
inline constexpr std::uint32_t kMegakernelWarpLanes = 32;

struct BlockGrant {
    std::uint32_t groups = 0;  ///< of those asked for, as far as they are resident
    std::uint32_t blocks = 0;  ///< that take part
    std::uint32_t lanes = 0;   ///< of each of them, whole warps
};

/// The lanes asked for, whole warps a group, as far as they are resident: in a single block where they fit one,
/// so that no barrier between blocks is needed, else in blocks of at least 256 lanes.
[[nodiscard]] constexpr BlockGrant spread_over_blocks(std::uint32_t groups, std::uint32_t group_lanes,
                                                      std::uint32_t resident_blocks) {
    constexpr std::uint32_t kSpreadLanes = 256;
    constexpr std::uint32_t kWarp = kMegakernelWarpLanes;
    constexpr std::uint32_t kBlock = kMegakernelBlockLanes;
    const auto whole_warps = [](std::uint32_t lanes) { return (lanes + kWarp - 1) / kWarp * kWarp; };
    const auto least = [](std::uint32_t left, std::uint32_t right) { return left < right ? left : right; };
    const std::uint32_t wanted = whole_warps(group_lanes);
    const std::uint32_t of_group = least(wanted < kWarp ? kWarp : wanted, kBlock);
    const std::uint32_t resident = kBlock / of_group * resident_blocks;
    BlockGrant grant;
    grant.groups = least(groups == 0 ? 1 : groups, resident);
    const std::uint32_t all = grant.groups * of_group;
    grant.blocks = all <= kBlock ? 1 : least(resident_blocks, (all + kSpreadLanes - 1) / kSpreadLanes);
    grant.lanes = least(whole_warps((all + grant.blocks - 1) / grant.blocks), kBlock);
    return grant;
}

}  // namespace megabed
