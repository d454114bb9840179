import type { Renderer } from './virgl.ts';

/** What a throw-away engine has shown about 3D on this host. */
export type RenderingVerdict =
  | {
      readonly works: true;
      readonly renderer: Renderer;
      /** Whether a context for Vulkan (Venus) could be made too. */
      readonly vulkan: boolean;
      /** ISO 8601 */
      readonly at: string;
    }
  /** A whole sentence. */
  | { readonly works: false; readonly reason: string };

/** What renders, for people. */
export function rendererText({ renderer, vulkan }: RenderingVerdict & { works: true }): string {
  return `OpenGL ${renderer.openGl}${vulkan ? ' and Vulkan' : ''} by ${renderer.name}`;
}
