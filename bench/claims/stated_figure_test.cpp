#include "bench/claims/stated_figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPage =
    "It takes 0.270 of the\n  time, of 48,925 rows.\n\n| `a` | 1.000 | -3.5, 97 |\n"
    "| `b` | 1.000 | 12, 97 |\nv1.2.3: 7 and 7,1234.\n";

TEST(StatedFigure, Is_found_by_the_words_around_it_and_keeps_its_digits) {
    struct Case {
        const char* quote;
        double value;
        int decimals;
        const char* text;
    };
    for (const Case& known : std::vector<Case>{{"takes {} of the time", 0.27, 3, "0.270"},
                                               {"of the time, of {} rows.", 48'925, 0, "48,925"},
                                               {"{} rows", 48'925, 0, "48,925"},
                                               {"| `a` | {} |", 1, 3, "1.000"},
                                               {"| `a` | {#} | {},", -3.5, 1, "-3.5"},
                                               {"| `a` | {#} | {#}, {} |", 97, 0, "97"},
                                               {"| `b` | {#} | {}, {#} |", 12, 0, "12"},
                                               {"3: {} and", 7, 0, "7"}}) {
        const auto places = find_stated(kPage, known.quote);
        ASSERT_TRUE(places) << places.error();
        ASSERT_EQ(places->size(), 1U) << known.quote;
        const StatedFigure& figure = places->front();
        EXPECT_EQ(figure.value, known.value) << known.quote;
        EXPECT_EQ(figure.decimals, known.decimals) << known.quote;
        EXPECT_EQ(std::string(kPage).substr(figure.begin, figure.size), known.text);
        EXPECT_EQ(as_stated(figure, figure.value), known.text);
    }
}

TEST(StatedFigure, Is_refused_where_the_page_does_not_state_one) {
    for (const auto& [quote, words] :
         std::vector<std::pair<const char*, const char*>>{{"takes 0.270 of", "has not one {}"},
                                                          {"{} of {} rows", "has not one {}"},
                                                          {"takes {} of the rows", "is not in it"},
                                                          {"v{}: 7", "is not in it"},  // no part of a number
                                                          {"| {#} | {} |", "is not in it"},
                                                          {"| {#} | {}, 97", "different figures"}}) {
        const auto places = find_stated(kPage, quote);
        ASSERT_FALSE(places) << quote;
        EXPECT_THAT(places.error(), HasSubstr(words)) << quote;
    }
}

TEST(StatedFigure, Is_restated_in_the_same_form) {
    const StatedFigure ratio{.value = 0.27, .decimals = 3, .thousands = false, .begin = 0, .size = 5};
    EXPECT_EQ(as_stated(ratio, 0.3), "0.300");
    const StatedFigure rows{.value = 48'925, .decimals = 0, .thousands = true, .begin = 0, .size = 6};
    EXPECT_EQ(as_stated(rows, 1'234'567.4), "1,234,567");
    EXPECT_EQ(as_stated(rows, -999.6), "-1,000");
    EXPECT_EQ(as_stated(rows, 999), "999");
}

}  // namespace
}  // namespace megabed
