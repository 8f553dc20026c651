/* Which lines differ: the shortest way from one text to another (Myers), or block for block where that takes long. */
const TOO_FAR = 600;

function lineDiff(before, after) {
  let head = 0, oldEnd = before.length, newEnd = after.length;
  while (head < oldEnd && head < newEnd && before[head] === after[head]) head += 1;
  while (oldEnd > head && newEnd > head && before[oldEnd - 1] === after[newEnd - 1]) { oldEnd -= 1; newEnd -= 1; }
  const rows = [];
  for (let at = 0; at < head; at += 1) rows.push([" ", at, at]);
  rows.push(...between(before.slice(head, oldEnd), after.slice(head, newEnd), head));
  for (let at = oldEnd; at < before.length; at += 1) rows.push([" ", at, at - oldEnd + newEnd]);
  return rows;
}

function between(before, after, offset) {
  const far = before.length + after.length, traces = [], ends = new Map([[1, 0]]);
  for (let depth = 0; depth <= Math.min(far, TOO_FAR); depth += 1) {
    traces.push(new Map(ends));
    for (let k = -depth; k <= depth; k += 2) {
      const down = k === -depth || (k !== depth && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
      let x = down ? ends.get(k + 1) : ends.get(k - 1) + 1;
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x += 1;
      ends.set(k, x);
      if (x >= before.length && x - k >= after.length) return walkBack(traces, before.length, after.length, offset);
    }
  }
  return [...before.map((_, at) => ["-", at + offset, -1]), ...after.map((_, at) => ["+", -1, at + offset])];
}

function walkBack(traces, x, y, offset) {
  const rows = [];
  for (let depth = traces.length - 1; depth >= 0; depth -= 1) {
    const ends = traces[depth], k = x - y;
    const down = k === -depth || (k !== depth && (ends.get(k - 1) ?? -1) < (ends.get(k + 1) ?? -1));
    const lastX = depth ? ends.get(down ? k + 1 : k - 1) : 0, lastY = depth ? lastX - (down ? k + 1 : k - 1) : 0;
    while (x > lastX && y > lastY) { x -= 1; y -= 1; rows.push([" ", x + offset, y + offset]); }
    if (!depth) break;
    if (down) { y -= 1; rows.push(["+", -1, y + offset]); } else { x -= 1; rows.push(["-", x + offset, -1]); }
  }
  return rows.reverse();
}
