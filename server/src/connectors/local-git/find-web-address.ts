type Forge = 'github' | 'gitlab' | 'bitbucket' | 'gitea';

/** Where the repository is shown on the web. */
export interface WebAddress {
  forge: Forge;
  /** Without credentials, query or trailing slash: `https://github.com/owner/name`. */
  base: string;
}

const commitPath: Record<Forge, string> = {
  github: '/commit/',
  gitlab: '/-/commit/',
  bitbucket: '/commits/',
  gitea: '/commit/',
};

const tagPath: Record<Forge, string> = {
  github: '/releases/tag/',
  gitlab: '/-/tags/',
  bitbucket: '/commits/tag/',
  gitea: '/releases/tag/',
};

/**
 * The web address behind a remote's URL (`https://…`, `ssh://…` or `git@host:owner/name.git`), where the host is a forge
 * whose page addresses are known: GitHub, GitLab, Bitbucket, Codeberg, or a host named after one (`gitlab.example.org`).
 * User names, passwords, tokens and ssh ports in the URL are dropped. Undefined for any other remote.
 */
export function findWebAddress(remote: string): WebAddress | undefined {
  const url = parseRemote(remote.trim());
  if (!url) return undefined;
  const forge = findForge(url.hostname);
  const segments = url.pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .slice(1);
  const isNamed = forge === 'gitlab' ? segments.length >= 2 : segments.length === 2;
  if (!forge || !isNamed || segments.includes('')) return undefined;
  const host = url.protocol === 'https:' ? url.host : url.hostname;
  return { forge, base: `https://${host}/${segments.join('/')}` };
}

/** The page that shows a commit. */
export function commitUrl(web: WebAddress | undefined, sha: string): string | null {
  return web ? `${web.base}${commitPath[web.forge]}${sha}` : null;
}

/** The page that shows a tag. */
export function tagUrl(web: WebAddress | undefined, name: string): string | null {
  return web ? `${web.base}${tagPath[web.forge]}${name.split('/').map(encodeURIComponent).join('/')}` : null;
}

function parseRemote(remote: string): URL | undefined {
  const scp = /^(?:[^/@:]+@)?([A-Za-z0-9.-]+):(?!\/\/)\/?(.+)$/.exec(remote);
  const candidate = scp ? `ssh://${scp[1]}/${scp[2]}` : remote;
  // `ssh:` is no "special" scheme to URL, so host names would keep their case and paths stay unencoded.
  const isSsh = /^ssh:\/\//i.test(candidate);
  const url = URL.parse(isSsh ? candidate.replace(/^ssh:/i, 'http:') : candidate);
  return url && (isSsh || url.protocol === 'https:') ? url : undefined;
}

function findForge(host: string): Forge | undefined {
  const exact: Record<string, Forge> = { 'bitbucket.org': 'bitbucket', 'codeberg.org': 'gitea' };
  const [first = ''] = host.split('.');
  const named: Record<string, Forge> = { github: 'github', gitlab: 'gitlab', gitea: 'gitea', forgejo: 'gitea' };
  return exact[host] ?? (host.includes('.') ? named[first] : undefined);
}
