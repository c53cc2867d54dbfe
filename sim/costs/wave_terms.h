#pragma once

#include "policy/launch_recommendation.h"
#include "sim/costs/block_grant.h"
#include "sim/traversals/traversal.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// What a wave of a resident megakernel comes to, term by term: how often it pays what. The time of a wave is
/// the sum of terms, each times its cost, which a calibrated device profile has (WaveCosts).
/// sim/costs/COST_MODEL.md tells which mechanism stands behind each.
namespace megabed {

/// Terms of a wave. The costs of two waves of one set differ by nothing else.
enum class WaveTerm : std::uint8_t {
    Wave,
    Named,
    Called,
    Blocks,
    Several,
    First,
    FromDevice,
    Collect,
    CollectRound,
    EntryRound,
    Round,
    RoundWarp,
    UnevenRound,
    UnevenSortedRound,
    MixedRound,
    Unit,
    HitLane,
    HitRound,
    Arc,
    Changed,
    Update,
    Crowd,
    Pass,
    PrepareRound,
    SelectRound,
    OpenBucket,
    OpenPiece,
    OpenIteration,
    OpenedVertex,
    GroupRound,
    OpenRound,
    HeadLane,
    Head,
    LongArcLane,
    LongArc,
    LongestLook,
    QueuedVertex,
    WordRound,
    LaneStep,
    InspectedLane,
    Inspected,
    ActiveLane,
    Active,
};
inline constexpr std::size_t kWaveTerms = static_cast<std::size_t>(WaveTerm::Active) + 1;

/// In a profile: `KEY_ns` under the table of a set of waves.
struct WaveTermName {
    std::string_view key;
    std::string_view meaning;  ///< what is counted
};
[[nodiscard]] std::span<const WaveTermName, kWaveTerms> wave_term_names();

/// How a wave is carried out.
enum class WaveMode : std::uint8_t {
    Solo,        ///< levels: a push whose frontier one block keeps in shared memory
    Block,       ///< a push by one block
    Blocks,      ///< a push by several, with barriers between them
    Pull,        ///< rows as they stand
    SkewedPull,  ///< levels: rows renumbered, hubs first
};
inline constexpr std::size_t kWaveModes = 5;
inline constexpr std::size_t kWaveKinds = 4;  ///< Levels, Distances, Labels, Ranks; others cost what Levels do

/// Waves that share costs.
struct WaveSet {
    WaveKind kind = WaveKind::Levels;
    WaveMode mode = WaveMode::Block;

    bool operator==(const WaveSet&) const = default;
    [[nodiscard]] constexpr std::size_t index() const {
        return static_cast<std::size_t>(kind) * kWaveModes + static_cast<std::size_t>(mode);
    }
};
inline constexpr std::size_t kWaveSets = kWaveKinds * kWaveModes;
/// Whether a kind of waves is ever carried out so.
[[nodiscard]] constexpr bool exists(WaveSet set) {
    return set.kind == WaveKind::Levels || (set.mode != WaveMode::Solo && set.mode != WaveMode::SkewedPull);
}
/// "levels.solo", as in a profile's table `[waves.levels.solo]`.
[[nodiscard]] std::string_view kind_name(WaveKind kind);
[[nodiscard]] std::string_view mode_name(WaveMode mode);

/// What the wave before has left behind.
struct WaveBefore {
    bool any = false;  ///< there was one
    WaveMode mode{};
    std::uint64_t frontier_arcs = 0;
    std::uint32_t blocks = 0;
    std::uint32_t lanes = 0;  ///< of all blocks

    bool operator==(const WaveBefore&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& any& mode& frontier_arcs& blocks& lanes;
    }
};

struct WaveTerms {
    WaveSet set;
    std::array<double, kWaveTerms> amounts{};

    [[nodiscard]] double& operator[](WaveTerm term) { return amounts[static_cast<std::size_t>(term)]; }
    [[nodiscard]] double operator[](WaveTerm term) const { return amounts[static_cast<std::size_t>(term)]; }
};

/// How a wave is asked for.
struct WaveOrder {
    DispatchTopology topology{};
    BlockGrant grant;
    std::uint32_t hit_capacity = 0;
    bool compiled = false;  ///< by a kernel that was compiled for the run
    WaveBefore before;
};

/// `vertices`: of the graph.
[[nodiscard]] WaveTerms wave_terms(const WaveOrder& order, const WaveWork& work, std::uint32_t vertices);

/// What the wave leaves behind.
[[nodiscard]] WaveBefore left_behind(const WaveOrder& order, const WaveTerms& terms, const WaveWork& work);

}  // namespace megabed
