"""axe-core on our own elements: what it finds, by impact, where."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "extension" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})

# One root after the other, each in sight: what lies outside of the window has no colours to compare. JupyterLab loads modules with an AMD
# `define` where there is one, so the script is given none.
_RUN = """async (selector) => {
  document.body.style.minHeight = "100vh"; // JupyterLab's body has no height and hides what overflows: axe-core would take all for unseen
  const all = [...document.querySelectorAll(selector)].filter((root) => root.checkVisibility());
  const roots = all.filter((root) => !all.some((other) => other !== root && other.contains(root)));
  const found = [];
  const looked = {};
  for (const root of roots) {
    root.scrollIntoView({ block: "start" });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const { violations, incomplete, passes } = await axe.run(root, { rules: { "target-size": { enabled: true } } });
    const name = root.dataset.wfView ?? `panel ${root.dataset.wfPanel}`;
    looked[name] = passes.find(({ id }) => id === "color-contrast")?.nodes.length ?? 0;
    for (const [findings, isSure] of [[violations, true], [incomplete, false]]) {
      for (const { id, impact, nodes } of findings) {
        for (const node of nodes) found.push([name, id, node.impact ?? impact, isSure, node.target.join(" "), node.failureSummary ?? "", node.html.slice(0, 200)]);
      }
    }
  }
  return { looked, found };
}"""


class Finding(NamedTuple):
    """`is_sure` is false for what axe-core could not decide, for example text over a picture."""

    root: str
    rule: str
    impact: str
    is_sure: bool
    where: str
    why: str
    html: str

    def __str__(self) -> str:
        return f"{self.root}: {self.impact} {self.rule} at {self.where}: {' '.join(self.why.split())[:300]} | {self.html}"


class Audit(NamedTuple):
    """Of which roots (with how many texts that are legible: none would mean that nothing was looked at), and what was found."""

    roots: dict[str, int]
    findings: list[Finding]

    @property
    def grave(self) -> list[Finding]:
        """What no view may have."""
        return [finding for finding in self.findings if finding.is_sure and finding.impact in GRAVE]


def audit(page: Page, selector: str) -> Audit:
    """Have axe-core look at each element of the selector that is seen; what lies in another of them counts to the outer one."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(
            f"(() => {{ const define = undefined, module = undefined, exports = undefined; {AXE.read_text(encoding='utf-8')} }})()"
        )
    told: dict[str, Any] = page.evaluate(_RUN, selector)
    return Audit(told["looked"], [Finding(*found) for found in told["found"]])


def tell(title: str, audits: Sequence[Audit]) -> None:
    """Print what is not grave, once for each rule and root: figures for whoever reads the run."""
    lesser = {(f.root, f.rule, f.impact, f.is_sure): f for one in audits for f in one.findings if not (f.is_sure and f.impact in GRAVE)}
    for (root, rule, impact, is_sure), finding in sorted(lesser.items(), key=lambda item: json.dumps(item[0])):
        print(f"{title}: {root}: {'' if is_sure else 'undecided, '}{impact} {rule}: {finding.html[:120]}")  # noqa: T201
