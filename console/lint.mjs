/* lint.mjs - what no source of the console may contain, since text from outside could become script or style by it.
 * Called by build.mjs; `node lint.mjs` alone prints what it finds. A comment does not help: the rules have no exceptions
 * but the files named in them. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const rules = [
    [/\b(inner|outer)HTML\b|insertAdjacentHTML|dangerouslySetInnerHTML|createContextualFragment|DOMParser|srcdoc\b|document\.write/,
        'no HTML from text: make VNodes'],
    [/\beval\s*\(|new Function\b|setTimeout\s*\(\s*['"`]|setInterval\s*\(\s*['"`]|javascript:/, 'no code from text'],
    [/\bstyle\s*=\s*[{"']|\bcssText\b|setAttribute\(\s*['"]style|\.style\b(?!\/)/, 'no inline style: a class, or setVars of ui/vars.ts',
        ['ui/vars.ts']],
    [/\bon[a-z]+\s*=\s*["']/, 'no event handler as text'],
    [/https?:\/\/(?!www\.w3\.org\/2000\/svg)/, 'nothing comes from another origin'],
    [/\b(trustedTypes|createPolicy)\b/, 'one policy of trusted types, in ui/trusted.ts', ['ui/trusted.ts']],
    [/\bfetch\s*\(/, 'requests go through api/client.ts', ['api/client.ts', 'sw.ts']],
    [/[\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/, 'an invisible character: write its escape'],
];

function walk(folder) {
    return readdirSync(folder).sort().flatMap(name => {
        const path = join(folder, name);
        return statSync(path).isDirectory() ? walk(path) : [path];
    });
}

export function lint(src) {
    const problems = [];
    for (const path of walk(src)) {
        const name = relative(src, path);
        if (!/\.(ts|tsx)$/.test(name) || name.endsWith('.d.ts'))
            continue;
        readFileSync(path, 'utf8').split('\n').forEach((line, i) => {
            for (const [pattern, why, except = []] of rules)
                if (pattern.test(line) && !except.includes(name))
                    problems.push(`console/src/${name}:${i + 1}: ${why}\n    ${line.trim()}`);
            if (line.length > 160)
                problems.push(`console/src/${name}:${i + 1}: ${line.length} characters; 160 are allowed`);
        });
    }
    return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const problems = lint(join(dirname(fileURLToPath(import.meta.url)), 'src'));
    for (const one of problems)
        console.error(one);
    process.exit(problems.length ? 1 : 0);
}
