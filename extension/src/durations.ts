// Spans of time in words, the same words as wflab/analytics/durations.py; tests/protocol/durations.json holds both to it.

const units: readonly (readonly [unit: string, size: number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** A span to two units at most; negative spans count as none. */
export function spanText(seconds: number): string {
  if (!(seconds > 0)) return "0 s";
  if (seconds < 1) return seconds >= 0.001 ? `${Math.round(seconds * 1000)} ms` : "<1 ms";
  if (seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  const whole = Math.round(seconds);
  for (const [index, [unit, size]] of units.entries()) {
    if (whole < size) continue;
    const smaller = units[index + 1];
    const rest = smaller ? Math.floor((whole % size) / smaller[1]) : 0;
    const count = `${Math.floor(whole / size)} ${unit}`;
    return smaller && rest ? `${count} ${rest} ${smaller[0]}` : count;
  }
  return `${whole} s`;
}

/** Like spanText, in whole seconds: for what ticks. */
export function tickingText(milliseconds: number): string {
  return milliseconds < 1000 ? "0 s" : spanText(Math.floor(milliseconds / 1000));
}
