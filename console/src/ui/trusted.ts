/* trusted - the URLs of scripts for workers. The content security policy has browsers that know trusted types refuse any
 * other text there; this policy lets only our own two through. */
interface Policy {
    createScriptURL(url: string): unknown;
}
declare global {
    interface Window {
        trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy };
    }
}

const allowed = new Set([WORKER_URL, '/sw.js']);

function check(url: string): string {
    if (!allowed.has(url))
        throw new TypeError('no script of the console');
    return url;
}

const policy = window.trustedTypes?.createPolicy('sallyport', { createScriptURL: check });

/* The DOM's types know no TrustedScriptURL yet. */
export function scriptUrl(url: string): string {
    return (policy ? policy.createScriptURL(url) : check(url)) as string;
}
