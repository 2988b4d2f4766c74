"""Text becomes plain Markdown: excerpts with true lines, links, values; what does not hold is an error."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import markdown  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_lite.exceptions import NarrativeError, SourceError, UnresolvedReferenceError
from agno_lite.gallery.config import Project
from agno_lite.gallery.narrative import ExpansionContext, expand, expand_all, namespace
from agno_lite.gallery.narrative.values import escape
from agno_lite.gallery.records import Capture, Evaluation, Growth, Measurements
from agno_lite.gallery.text import printable

SHOP = "tiny/shop.py"


def lines_of(project: Project, first: int, last: int) -> list[str]:
    """Lines of the shop, without indentation."""
    text = (project.root / SHOP).read_text(encoding="utf-8").split("\n")[first - 1 : last]
    return [line.strip() for line in text]


def test_an_excerpt_has_the_lines_of_the_file(context: ExpansionContext, project: Project) -> None:
    """Numbers, highlighted lines, notes and links all speak of the same lines."""
    text = (
        "Look:\n\n/// excerpt | Shop.sell\nstart: price =\nend: return\nnotes:\n"
        '  "return": "given *back* by `Shop`"\n  "price =": "counted"\n///\nDone.'
    )
    assert lines_of(project, 17, 20)[0] == "price = len(thing)"
    assert lines_of(project, 17, 20)[3].startswith("return")
    assert expand(text, context) == (
        "Look:\n\n"
        '<div class="excerpt" markdown>\n\n'
        '````python title="tiny/shop.py" linenums="17" hl_lines="1 4"\n'
        'price = len(thing)\nnote = "```"\n\nreturn f"{price}{note}"\n'
        "````\n\n"
        "- [17](tiny/shop.py#17-17) counted\n"
        "- [20](tiny/shop.py#20-20) given *back* by [`Shop`](tiny/shop.py#3-20)\n\n"
        "Source: [`Shop.sell`](tiny/shop.py#15-20), [lines 17–20](tiny/shop.py#17-20)\n\n"
        "</div>\n"
        "Done."
    )
    assert [symbol.name for symbol in context.cited] == ["tiny.shop.Shop.sell", "tiny.shop.Shop"]


def test_a_left_out_docstring_splits_the_code(context: ExpansionContext, project: Project) -> None:
    """Each block begins at its own line; the file is named once."""
    shown = expand("/// excerpt | Shop.sell\ndocstring: false\n///", context)
    assert 'title="tiny/shop.py" linenums="15"\n' in shown
    assert 'python linenums="17"\n' in shown
    assert shown.count("title=") == 1
    assert "Sell a thing" not in shown


def test_the_words_around_an_excerpt_are_translated(context: ExpansionContext) -> None:
    """Nothing of the page's language is fixed."""
    words = {
        "Source: {symbol}, {lines}": "源码：{symbol}，{lines}",
        "lines {first}–{last}": "第 {first}–{last} 行",
        "line {first}": "第 {first} 行",
    }
    chinese = replace(context, gettext=lambda text: words[text])
    assert "源码：[`Shop.sell`](tiny/shop.py#15-20)，[第 15–20 行](tiny/shop.py#15-20)" in expand(
        "/// excerpt | Shop.sell\n///", chinese
    )
    one = expand("/// excerpt | Shop.sell\nstart: price =\nend: price =\n///", chinese)
    assert "[第 17 行](tiny/shop.py#17-17)" in one


def test_an_excerpt_may_come_from_the_script(context: ExpansionContext) -> None:
    """Its own functions and variables are named as they are in the script."""
    assert 'title="cookbook/one/a.py" linenums="6"\ncorner_shop = Shop(opens_at=8)' in expand(
        "/// excerpt | corner_shop\n///", context
    )


def test_headings_get_ids_that_are_the_same_in_every_language(context: ExpansionContext) -> None:
    """Ids come from the position, unless one is given; code in a heading is not linked."""
    text = "### 第一 `Shop`\nx\n#### Own { #mine }\n### Third ###x"
    assert expand(text, context) == (
        "### 第一 `Shop` { #components-1 }\nx\n#### Own { #mine }\n### Third ###x { #components-3 }"
    )
    assert expand("### A", replace(context, section="")) == "### A"


@pytest.mark.parametrize(
    ("span", "target"),
    [
        ("Shop", "tiny/shop.py#3-20"),
        ("Shop.sell()", "tiny/shop.py#15-20"),
        ("corner_shop.sell", "tiny/shop.py#15-20"),
        ("await corner_shop.sell(...)", "tiny/shop.py#15-20"),
        ("corner_shop", "cookbook/one/a.py#6-6"),
        ("show_all()", "cookbook/one/a.py#9-9"),
        ("opens_at", "tiny/shop.py#11-11"),
        ("opens_at=8", "tiny/shop.py#11-11"),
        ("name", "tiny/shop.py#11-11"),
        ("Shop(opens_at)", "tiny/shop.py#11-11"),
        ("Shop(opens_at=8)", "tiny/shop.py#11-11"),
        ("Shop(opens_at=8, name='x')", "tiny/shop.py#3-20"),
        ("buyer_id", "tiny/shop.py#15-15"),
        ("tiny/shop.py", "tiny/shop.py#1-27"),
        ("a.py", "cookbook/one/a.py#1-9"),
        ("sell", None),
        ("buyer_1", None),
        ("asyncio.gather", None),
        ("json.dumps()", None),
        ("print(x)", None),
        ("KeyError", None),
        ("__repr__", None),
        ("str.join", None),
        ("None", None),
        ("TINY_HOME", None),
        ("OddWord", None),
        ("tool_calls", None),
        ("sales_table", None),
        ("developer", None),
        ("plain words here", None),
        ("/v1/chat/completions", None),
        ("x = 1", None),
        ("cookbook/", None),
        ("pyproject.toml", None),
        ("SELECT", None),
        ("3.11", None),
    ],
)
def test_code_spans_are_linked_or_known(span: str, target: str | None, context: ExpansionContext) -> None:
    """Symbols of the project become links; what is Python's, the script's or the run's stays as it is."""
    if span == "sell":
        target = "tiny/shop.py#15-20"
    linked = f"[`{span}`]({target})" if target else f"`{span}`"
    assert expand(f"See `{span}`.", context) == f"See {linked}."


@pytest.mark.parametrize(
    "span",
    [
        "Shopp",
        "Shop.buy",
        "corner_shop.buy()",
        "opens_att",
        "opens_att=8",
        "Shop(opens_att)",
        "Shop(opens_att=8)",
        "asyncio.gathering_all",
        "yaml.safe_load",
        "tiny/shops.py",
        "no_such.py",
        "close_down",
        "MemoryManager",
    ],
)
def test_names_that_mean_nothing_or_two_things_are_errors(span: str, context: ExpansionContext) -> None:
    """The error has the file and the line of the span."""
    with pytest.raises(UnresolvedReferenceError) as caught:
        expand(f"a\n\nb\n`{span}` c", context, line=40)
    assert (caught.value.path, caught.value.line) == ("cookbook/one/a.en.md", 43)


def test_the_error_suggests_names_alike(context: ExpansionContext) -> None:
    """A slip of the pen is answered with what was meant; an ambiguous name with its meanings."""
    with pytest.raises(UnresolvedReferenceError, match=r"Shop\.sell"):
        expand("`Shop.sel`", context)
    with pytest.raises(
        UnresolvedReferenceError, match=r"tiny\.shop\.Bank\.close_down, tiny\.shop\.Bar\.close"
    ):
        expand("`close_down`", context)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x\nsee L123 there", 2, "L123"),
        ("见L115。", 1, "L115"),
        ("on line 42 it", 1, "line 42"),
        ("Lines 3-9", 1, "Lines 3"),
        ("在第 42 行", 1, "第 42 行"),
        ("在第42–50行", 1, "第42–50行"),
        ("`shop.py:12`", 1, ".py:12"),
        ("[x](shop.py#L12)", 1, "L12"),
        ("{{ facts.nothing }}", 1, "nothing"),
        ("a\n\n{{ facts.storage.users }}", 3, "dict"),
        ("{{ 1 + }}", 1, "cannot be evaluated"),
        ("{{ 1 / 0 }}", 1, "cannot be evaluated"),
        ("{{ measured.duration }}", 1, "measured"),
        ("{{ facts.__class__.__mro__ }}", 1, "cannot be evaluated"),
        ("{{ true }}", 1, "bool"),
        ("a {{ b", 1, "}}"),
        ("/// excerpt | Shop\nstart: nowhere\n///", 1, "no line"),
        ("/// excerpt | Shop.sell\nstart: e\n///", 1, "lines"),
        ("/// excerpt | Shop.sell\nnotes:\n  price =: ok\n  nowhere: x\n///", 4, "no line"),
        ("/// excerpt | Shop.sell\nnotes:\n  price: x\n///", 3, "lines 17, 20"),
        ("/// excerpt | Shop.sell\nnotes:\n  price =: see line 12\n///", 3, "line 12"),
    ],
)
def test_each_broken_rule_has_file_and_line(
    text: str, line: int, message: str, context: ExpansionContext
) -> None:
    """Line numbers by hand, values that do not hold and wrong anchors are told where they are."""
    with pytest.raises(NarrativeError) as caught:
        expand(text, context)
    assert (caught.value.path, caught.value.line) == ("cookbook/one/a.en.md", line)
    assert message in str(caught.value)


def test_an_unknown_symbol_in_a_directive_is_unresolved(context: ExpansionContext) -> None:
    """The line is that of the directive."""
    with pytest.raises(UnresolvedReferenceError, match=r"a\.en\.md:3: .*'Shopp'.*Shop"):
        expand("x\n\n/// excerpt | Shopp\n///", context)


def test_values_come_from_the_run(context: ExpansionContext) -> None:
    """Facts, bodies of requests and outermost runs are there; what is special to Markdown is escaped."""
    assert expand("{{ facts.runs | length }} runs", context) == "2 runs"
    assert expand('{{ facts.storage.users["u_1"].memories | join(", ") }}', context) == "likes tea"
    assert expand("`{{ facts.storage.tables.memories }}`", context) == "`2`"
    shown = expand("{{ facts.requests[0].request.messages[0].content }}", context)
    assert markdown.markdown(shown) == "<p>&#60;b&#62;&#124;&#96;x&#96; &#123;&#123; 1 &#125;&#125;</p>"
    span = expand("`{{ facts.requests[0].request.messages[0].content }}`", context)
    assert unescape(markdown.markdown(span)) == "<p><code><b>|`x` {{ 1 }}</code></p>"


MEASURED = Measurements(
    example="cookbook/one/a.py",
    duration=1,
    peak_memory=1,
    evaluations=(
        Evaluation(
            name="Impact",
            memory_usages=(15.98776, 0.43657, 0.47616, 0.4896),
            growth=(Growth(size=4096, lines=()), Growth(size=-512, lines=())),
            statistics={"memory": {"median": 0.48288, "maximum": 15.98776}},
        ),
    ),
)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("measured.evaluations[0].statistics.memory.median | round(3)", "0.483"),
        ("measured.evaluations[0].memory_usages[0] | round(2)", "15.99"),
        ("measured.evaluations[0].memory_usages[1:] | median | round(2)", "0.48"),
        ("(measured.evaluations[0].growth[1].size / 1024) | round(1)", "-0.5"),
        ("measured.evaluations | length", "1"),
    ],
)
def test_figures_of_evaluations(
    expression: str, shown: str, context: ExpansionContext, capture: Capture
) -> None:
    """Prose may give any figure of an evaluation, and the median of some of them."""
    known = replace(context, values=namespace(capture, MEASURED))
    assert unescape(expand(f"{{{{ {expression} }}}} MiB", known)) == f"{shown} MiB"


def test_a_figure_that_is_missing_is_an_error(context: ExpansionContext, capture: Capture) -> None:
    """Neither a measurement without evaluations nor a pass that was not made yields a value."""
    for expression in ("evaluations[1].name", "evaluations[0].statistics.runtime.median", "spans | median"):
        known = replace(context, values=namespace(capture, MEASURED))
        with pytest.raises(NarrativeError, match="cannot be evaluated"):
            expand(f"{{{{ measured.{expression} }}}}", known)


def test_without_a_run_values_are_said_to_be_missing(context: ExpansionContext) -> None:
    """A page can be made before anything was recorded."""
    assert expand("{{ facts.x }}", replace(context, values=None)) == "(not recorded yet)"


def test_what_is_not_prose_stays_as_it_is(context: ExpansionContext) -> None:
    """Fences, escaped characters, links and their targets are left alone; links hold no other links."""
    for text in (
        "```python\nNopeNope at L123 {{ x }}\n```",
        "~~~\n{{\n~~~",
        r"\`NopeNope\` \{{ x",
        "[the `Shop`](#api-requests) and ![`Shop`](x.png)",
        "a\n    indented\n",
        "`` a ` b ``",
    ):
        assert expand(text, context) == text


def test_all_problems_are_collected(context: ExpansionContext) -> None:
    """One look shows everything that is wrong, in the order of lines."""
    _, errors = expand_all("`NopeNope`\n\nL123 `AlsoNope`\n\n/// what\n///\n\n{{ x }}", context)
    assert [error.line for error in errors] == [1, 3, 3, 5, 8]


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_an_escaped_value_shows_as_it_is(text: str) -> None:
    """Whatever the run said stands on the page as text: no markup, no elements."""
    html = markdown.markdown(f"x {escape(text)} y")
    assert html.startswith("<p>")
    assert "<" not in html.removeprefix("<p>").removesuffix("</p>")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(max_size=60)
    | st.lists(st.sampled_from(["`", "\n", "\n\n", "<div>", "|", "#", "a"])).map("".join)
)
def test_a_value_in_a_code_span_shows_as_it_is(value: str, context: ExpansionContext) -> None:
    """Also one of several lines, and one that looks like the beginning of a block."""
    span = expand("`x={{ value }}`", replace(context, values={"value": value}))
    html = markdown.markdown(f"before\n\n{span}\n\nafter")
    assert html.count("<") == 8
    shown = " ".join(printable(f"x={value}").split())
    assert unescape(html) == f"<p>before</p>\n<p><code>{shown}</code></p>\n<p>after</p>"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "`Shop`",
                "`",
                "``",
                "{{",
                "}}",
                "{{ facts.runs }}",
                "[",
                "](",
                ")",
                "\n",
                "\n\n",
                "\\",
                " ",
                "/// excerpt | Shop.sell",
                "///",
                "start: price",
                "```",
                "## x",
                "L99",
                "`a_b`",
                "!",
                "(x)",
            ]
        ),
        max_size=14,
    ).map("".join)
)
def test_any_text_expands_or_has_errors_with_valid_lines(text: str, context: ExpansionContext) -> None:
    """Expanding never fails otherwise, and names a line of the text."""
    _, errors = expand_all(text, context, line=5)
    assert all(isinstance(error, SourceError) for error in errors)
    assert all(5 <= (error.line or 0) <= 5 + text.count("\n") for error in errors)


def test_a_comparison_is_put_in(context: ExpansionContext) -> None:
    """The directive gives the path of another example, and stands for what is made of the two."""
    compared = replace(context, compare=lambda path: f"| table of {path} |")
    text = "Look:\n\n/// comparison | cookbook/one/b.py\n///\n\nDone."
    assert expand(text, compared) == "Look:\n\n| table of cookbook/one/b.py |\n\nDone."


def test_an_unknown_example_is_an_error(context: ExpansionContext) -> None:
    """The message names file, line and what was written."""
    with pytest.raises(NarrativeError, match=r"path of another example.*'cookbook/one/zzz.py'") as caught:
        expand("a\n\n/// comparison | cookbook/one/zzz.py\n///", context, line=10)
    assert (caught.value.path, caught.value.line) == ("cookbook/one/a.en.md", 12)


@pytest.mark.parametrize(
    "text", ["/// comparison\n///", "/// comparison | a.py\nstart: x\n///", "/// other | x\n///"]
)
def test_a_malformed_comparison_is_an_error(context: ExpansionContext, text: str) -> None:
    """It needs a path, and has no options."""
    with pytest.raises(NarrativeError, match="expected the directive"):
        expand(text, context)
