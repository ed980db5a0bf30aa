/* probe - tells which barriers and limits this host gives a sandbox: `sallyport-shim --probe`.
 *
 * Why it exists: trying needs forks, namespaces and cgroups of one's own, which
 * a server with threads should not do in its own process.
 * May include: base os.
 *
 * One line per check on stdout: name TAB hard|soft|absent TAB detail TAB fix. Exit code 0. */
#pragma once
int probe_main(void);
