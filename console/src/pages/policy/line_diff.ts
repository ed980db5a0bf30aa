/* line_diff - two texts as the unified diff that diff/view.tsx draws. Pure. By Myers, "An O(ND) Difference Algorithm and
 * Its Variations" (1986); texts that differ by more than MOST lines are shown as all gone and all new between what they
 * have in common at both ends, so that no pair of texts takes long. */
const MOST = 1500, AROUND = 3;

type Edit = [' ' | '-' | '+', string];

/* The shortest script that makes b of a, or null when it has more than MOST edits. */
function script(a: readonly string[], b: readonly string[]): Edit[] | null {
    const rounds: Int32Array[] = [];
    let reach = new Int32Array(3); /* of the round before: furthest x on diagonal k, at k + d + 1 */
    for (let d = 0; d <= Math.min(MOST, a.length + b.length); d++) {
        const next = new Int32Array(2 * d + 5);
        for (let k = -d; k <= d; k += 2) {
            const down = k === -d || (k !== d && reach[k + d]! < reach[k + d + 2]!);
            let x = d === 0 ? 0 : down ? reach[k + d + 2]! : reach[k + d]! + 1;
            while (x < a.length && x - k < b.length && a[x] === b[x - k])
                x++;
            next[k + d + 2] = x;
            if (x >= a.length && x - k >= b.length)
                return walkBack(a, b, rounds, d);
        }
        rounds.push(next);
        reach = next;
    }
    return null;
}

/* rounds[d][k + d + 2]: how far d edits came on diagonal k. */
function walkBack(a: readonly string[], b: readonly string[], rounds: readonly Int32Array[], edits: number): Edit[] {
    const out: Edit[] = [];
    let x = a.length, y = b.length;
    for (let d = edits; d > 0; d--) {
        const before = rounds[d - 1]!, k = x - y, at = (diagonal: number): number => before[diagonal + d + 1]!;
        const down = k === -d || (k !== d && at(k - 1) < at(k + 1)), from = down ? k + 1 : k - 1, fromX = at(from), fromY = fromX - from;
        while (x > fromX && y > fromY) {
            out.push([' ', a[--x]!]);
            y--;
        }
        if (down)
            out.push(['+', b[--y]!]);
        else
            out.push(['-', a[--x]!]);
    }
    while (x > 0 && y > 0) {
        out.push([' ', a[--x]!]);
        y--;
    }
    return out.reverse();
}

function linesOf(text: string): string[] {
    const lines = text.split('\n');
    if (lines.at(-1) === '')
        lines.pop();
    return lines;
}

/* "" when the lines are the same. */
export function lineDiff(from: string, to: string): string {
    const a = linesOf(from), b = linesOf(to);
    let head = 0, tail = 0;
    const most = Math.min(a.length, b.length);
    while (head < most && a[head] === b[head])
        head++;
    while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
        tail++;
    const midA = a.slice(head, a.length - tail), midB = b.slice(head, b.length - tail);
    if (midA.length === 0 && midB.length === 0)
        return '';
    const middle: Edit[] = script(midA, midB) ?? [...midA.map(line => ['-', line] as Edit), ...midB.map(line => ['+', line] as Edit)];
    const edits: Edit[] = [...a.slice(0, head).map(line => [' ', line] as Edit), ...middle,
        ...a.slice(a.length - tail).map(line => [' ', line] as Edit)];
    return hunks(edits);
}

function hunks(edits: readonly Edit[]): string {
    const out: string[] = [];
    let oldLine = 1, newLine = 1, i = 0;
    const pass = (to: number): void => {
        for (; i < to; i++) {
            oldLine += edits[i]![0] === '+' ? 0 : 1;
            newLine += edits[i]![0] === '-' ? 0 : 1;
        }
    };
    for (;;) {
        let first = i;
        while (first < edits.length && edits[first]![0] === ' ')
            first++;
        if (first === edits.length)
            return out.join('\n') + '\n';
        pass(Math.max(i, first - AROUND));
        let end = first, same = 0;
        for (; end < edits.length && same <= 2 * AROUND; end++)
            same = edits[end]![0] === ' ' ? same + 1 : 0;
        end -= Math.max(0, same - AROUND);
        const rows = edits.slice(i, end), olds = rows.filter(row => row[0] !== '+').length, news = rows.filter(row => row[0] !== '-').length;
        out.push(`@@ -${olds ? oldLine : oldLine - 1},${olds} +${news ? newLine : newLine - 1},${news} @@`, ...rows.map(row => row[0] + row[1]));
        pass(end);
    }
}
