#include "sim/graphs/edge_file.h"

#include <gtest/gtest.h>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

Loaded<EdgeFile> read_text(const std::string& text) {
    auto reader = LineReader::from_text("g", text);
    EXPECT_TRUE(reader);
    return read_edge_file(*reader);
}

std::vector<Edge> edges_of(const EdgeFile& file) {
    std::vector<Edge> edges;
    for (const auto& block : file.edges.blocks()) {
        edges.insert(edges.end(), block.begin(), block.end());
    }
    return edges;
}

std::string compressed(const std::string& text) {
    std::string bytes;
    boost::iostreams::filtering_ostream out;
    out.push(boost::iostreams::gzip_compressor());
    out.push(boost::iostreams::back_inserter(bytes));
    out << text;
    out.reset();
    return bytes;
}

const std::string kMatrix = "%%MatrixMarket matrix coordinate pattern symmetric\n% c\n\n3 3 2\n2 1\n3 1\n";

TEST(EdgeFile, Reads_matrix_market_in_every_supported_form) {
    const std::vector<Edge> expected{{1, 0}, {2, 0}};
    for (const std::string& text :
         {kMatrix, std::string("%%MatrixMarket MATRIX Coordinate Real General\n3 3 2\n2 1 0.5\n3\t1 -1e300\n"),
          std::string("%%MatrixMarket matrix coordinate integer general\r\n3 3 2\r\n2 1 -7\r\n3 1 +4"),
          compressed(kMatrix)}) {
        const auto file = read_text(text);
        ASSERT_TRUE(file) << to_string(file.error());
        EXPECT_EQ(file->vertices, 3U);
        EXPECT_EQ(file->arcs_in_file, 2U);
        EXPECT_EQ(edges_of(*file), expected);
    }
}

TEST(EdgeFile, Reads_dimacs) {
    const auto file = read_text("c roads\np sp 4 2\na 1 2 10\nc more\na 4 3 0\n");
    ASSERT_TRUE(file) << to_string(file.error());
    EXPECT_EQ(file->vertices, 4U);
    EXPECT_EQ(edges_of(*file), (std::vector<Edge>{{0, 1}, {3, 2}}));
}

TEST(EdgeFile, Reads_snap_and_renumbers_ids_in_ascending_order) {
    for (const char* text :
         {"# Nodes: 3 Edges: 2\n7\t1000\n7 3\n", "7 4000000000\n7 3\n", "7 1000 0.5 1234567\n7 3\n"}) {
        const auto file = read_text(text);
        ASSERT_TRUE(file) << to_string(file.error());
        EXPECT_EQ(file->vertices, 3U);
        EXPECT_EQ(edges_of(*file), (std::vector<Edge>{{1, 2}, {1, 0}})) << text;
    }
}

struct Broken {
    std::string text;
    std::string message;
};

TEST(EdgeFile, Refuses_broken_text_with_line_value_and_what_is_allowed) {
    const std::string banner = "%%MatrixMarket matrix coordinate pattern general\n";
    const std::vector<Broken> cases{
        {"", "g: is empty"},
        {"%%MatrixMarket matrix array real general\n2 2\n", "g:1: the banner says 'matrix array'"},
        {"%%MatrixMarket matrix coordinate complex general\n",
         "g:1: the banner's field is 'complex'; allowed: pattern"},
        {"%%MatrixMarket matrix coordinate real hermitian\n", "g:1: the banner's symmetry is 'hermitian'"},
        {banner, "g: ends before the size line"},
        {banner + "3 3\n", "g:2: the size line is '3 3'"},
        {banner + "3 4 1\n1 1\n", "g:2: the matrix is 3 x 4; allowed: a square matrix"},
        {banner + "5000000000 5000000000 0\n", "g:2: the matrix has 5000000000 rows"},
        {banner + "3 3 1\n0 1\n", "g:3: the entry names vertex 0; allowed: 1 to 3"},
        {banner + "3 3 1\n1 4\n", "g:3: the entry names vertex 4; allowed: 1 to 3"},
        {banner + "3 3 1\n-1 2\n", "g:3: the entry is '-1 2'; allowed: row column"},
        {banner + "3 3 1\n99999999999999999999 1\n", "g:3: the entry is '99999999999999999999 1'"},
        {banner + "3 3 1\n1 2 5\n", "g:3: the entry is '1 2 5'"},
        {banner + "3 3 2\n1 2\n", "g: holds 1 entries, the size line says 2"},
        {banner + "3 3 1\n1 2\n1 3\n", "g:4: more entries than the 1 of the size line"},
        {banner + "3 3 18446744073709551616\n", "g:2: the size line is"},
        {"%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2 x\n", "g:3: the entry is '1 2 x'"},
        {"p sp 3\n", "g:1: the problem line is 'p sp 3'; allowed: p sp VERTICES ARCS"},
        {"c x\na 1 2 3\n", "g:2: an arc before the problem line"},
        {"p sp 2 1\np sp 2 1\n", "g:2: a second problem line"},
        {"p sp 2 1\na 1 3 1\n", "g:2: the arc names vertex 3; allowed: 1 to 2"},
        {"p sp 2 1\na 1 2 -5\n", "g:2: the arc is 'a 1 2 -5'"},
        {"p sp 2 1\na 1 2 4294967296\n", "g:2: the arc is 'a 1 2 4294967296'"},
        {"p sp 2 2\na 1 2 1\n", "g: holds 1 arcs, the problem line says 2"},
        {"p sp 2 1\nz\n", "g:2: the line starts with 'z'; allowed: c, p, a"},
        {"c only\n", "g: has no problem line"},
        {"# nothing\n", "g: holds no edge"},
        {"1 2\n3\n", "g:2: the line is '3'; allowed: two vertex ids"},
        {"1 -2\n", "g:1: the line is '1 -2'"},
        {"1 4294967296\n", "g:1: the line is '1 4294967296'"},
        {"# Edges: 3\n1 2\n", "g: holds 1 edges, its header says 3"},
        {std::string("\x01\x02\x00\xff junk", 9), "g:1: the line is '\\x01\\x02\\x00\\xff"},
        {std::string(3 << 20, 'x'), "g:1: the line is longer than"},
    };
    for (const Broken& broken : cases) {
        const auto file = read_text(broken.text);
        ASSERT_FALSE(file) << broken.text.substr(0, 80);
        EXPECT_EQ(to_string(file.error()).find(broken.message), 0U)
            << to_string(file.error()) << "\n  expected " << broken.message;
        EXPECT_EQ(file.error().kind, InputErrorKind::Invalid);
    }
}

TEST(EdgeFile, Every_truncation_of_a_gzip_file_is_refused) {
    const std::string whole = compressed(kMatrix);
    ASSERT_TRUE(read_text(whole));
    for (std::size_t length = 2; length < whole.size(); ++length) {
        EXPECT_FALSE(read_text(whole.substr(0, length))) << length << " of " << whole.size();
    }
}

TEST(EdgeFile, Every_flipped_bit_of_a_gzip_body_is_refused_or_harmless) {
    const std::string whole = compressed(kMatrix);
    constexpr std::size_t kHeader = 10;
    std::size_t refused = 0;
    for (std::size_t at = kHeader; at < whole.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string broken = whole;
            broken[at] = static_cast<char>(broken[at] ^ (1 << bit));
            const auto file = read_text(broken);
            EXPECT_TRUE(!file || edges_of(*file) == (std::vector<Edge>{{1, 0}, {2, 0}})) << at << ' ' << bit;
            refused += file ? 0 : 1;
        }
    }
    // Only the unused bits behind the last block and the length in the trailer, which the checksum makes
    // redundant, may pass.
    EXPECT_GT(refused, (whole.size() - kHeader - 5) * 8 - 16);
}

TEST(EdgeFile, A_file_named_for_a_format_must_be_in_it) {
    for (const auto& [name, message] :
         {std::pair("g.mtx", "g.mtx:1: the first line is '4 4'; allowed: %%MatrixMarket"),
          std::pair("g.gr.gz", "g.gr.gz:1: the first line is '4 4'; allowed: c ...")}) {
        auto reader = LineReader::from_text(name, "4 4\n2 1\n");
        const auto file = read_edge_file(*reader);
        ASSERT_FALSE(file);
        EXPECT_EQ(to_string(file.error()).find(message), 0U) << to_string(file.error());
    }
}

TEST(EdgeFile, Damage_inside_a_gzip_stream_is_reported_as_such) {
    std::string text;
    for (int vertex = 0; vertex < 200'000; ++vertex) {
        text += std::to_string(vertex * 7 % 100'003) + " " + std::to_string(vertex) + "\n";
    }
    const std::string whole = compressed(text);
    std::size_t as_corrupt = 0;
    constexpr std::size_t kTries = 40;
    for (std::size_t attempt = 1; attempt <= kTries; ++attempt) {
        std::string broken = whole;
        const std::size_t at = whole.size() * attempt / (kTries + 1);
        broken[at] = static_cast<char>(broken[at] ^ 0x10);
        const auto file = read_text(broken);
        ASSERT_FALSE(file) << at;
        as_corrupt += to_string(file.error()) == "g: the gzip stream is corrupt or truncated" ? 1 : 0;
    }
    EXPECT_EQ(as_corrupt, kTries);
}

TEST(EdgeFile, A_folder_and_a_missing_file_are_refused) {
    const auto folder = read_edge_file(std::filesystem::temp_directory_path());
    ASSERT_FALSE(folder);
    EXPECT_NE(to_string(folder.error()).find("is a directory"), std::string::npos);
    const auto missing = read_edge_file(std::filesystem::path("/nowhere/at/all.mtx"));
    ASSERT_FALSE(missing);
    EXPECT_NE(to_string(missing.error()).find("No such file"), std::string::npos);
}

TEST(EdgeFile, Lines_that_cross_the_read_buffer_stay_whole) {
    std::string text = "%%MatrixMarket matrix coordinate pattern general\n300000 300000 300000\n";
    for (int vertex = 1; vertex <= 300'000; ++vertex) {
        text += std::to_string(vertex) + " 1\n";
    }
    ASSERT_GT(text.size(), std::size_t{2} << 20);
    for (const std::string& form : {text, compressed(text)}) {
        const auto file = read_text(form);
        ASSERT_TRUE(file) << to_string(file.error());
        const auto edges = edges_of(*file);
        ASSERT_EQ(edges.size(), 300'000U);
        for (Vertex at = 0; at < edges.size(); ++at) {
            ASSERT_EQ(edges[at], (Edge{at, 0}));
        }
    }
}

}  // namespace
}  // namespace megabed
