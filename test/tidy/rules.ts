/**
 * Rules of the house that a pattern can tell, each with a line that breaks it: a rule that finds nothing wrong in that line
 * would find nothing anywhere.
 */
export interface LineRule {
  readonly name: string;
  readonly pattern: RegExp;
  /** Which files it holds for. */
  readonly files: RegExp;
  readonly breaks: string;
}

/** Said in two parts, so that this file does not break its own rules. */
const word = (...parts: readonly string[]): string => parts.join('');

export const lineRules: readonly LineRule[] = [
  {
    name: 'nothing is left to do: it is done, or it stands in a list elsewhere',
    pattern: new RegExp(String.raw`\b(?:${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('X', 'XX')}|${word('HA', 'CK')})\b`, 'u'),
    files: /./u,
    breaks: `// ${word('TO', 'DO')}: later`,
  },
  {
    name: 'time, randomness and the environment come in from outside: only app and cli touch them',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.env\b/u,
    files: /^src\/(?!app\/|cli\/)/u,
    breaks: 'const nowMs = Date.now();',
  },
  {
    name: 'no message, log line or key of an object holds key material',
    pattern: /\$\{[^}]*\b(?:privateKeyPem|privateKey|keyPem|secretKey|passphrase|password)\b[^}]*\}/iu,
    files: /^src\//u,
    breaks: 'throw new Error(`cannot use ${authority.privateKeyPem}`);',
  },
  {
    name: 'the repository knows no machine: no path of one',
    pattern: new RegExp(String.raw`(?<![\w./<-])/(?:${word('wo', 'rk')}|${word('ro', 'ot')}|${word('ho', 'me')}/\w+|Users/\w+)/`, 'u'),
    files: /./u,
    breaks: `cd ${word('/ho', 'me')}/somebody/mtlsd`,
  },
  {
    name: 'the repository knows no registry: clients are configured where they run',
    pattern: new RegExp(String.raw`\bregistry\.\w+\.\w+|\b${word('arti', 'factory')}\b|_${word('auth', 'Token')}|\b${word('regis', 'try')}=\S|\bindex-url\b`, 'u'),
    files: /./u,
    breaks: `${word('regis', 'try')}=https://mirror.example/npm/`,
  },
  {
    name: 'the project speaks of itself, not of how it came to be',
    pattern: new RegExp(
      String.raw`\b(?:(?:coding|AI) ${word('ag', 'ents?')}|sub-?${word('ag', 'ents?')}|${word('Cla', 'ude')}|${word('Chat', 'GPT')}|${word('Co', 'pilot')}|\bLLMs?\b|(?:this|my|our|previous|last) (?:chat |work )?${word('ses', 'sion')}|(?:see|in|for|of) ${word('iss', 'ue')} #?\d+)\b`,
      'iu',
    ),
    files: /./u,
    breaks: `// as decided in ${word('iss', 'ue')} 4`,
  },
];
