import { Anchor, type AnchorProps, Button, type ButtonProps, NavLink, type NavLinkProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { type ComponentPropsWithoutRef, forwardRef } from 'react';

type OfAnchor<Props> = Omit<ComponentPropsWithoutRef<'a'>, keyof Props> & Props;

export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, OfAnchor<AnchorProps>>(function TextLink(props, ref) {
    return <Anchor ref={ref} {...props} />;
  }),
);
export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, OfAnchor<ButtonProps>>(function ButtonLink(props, ref) {
    return <Button component="a" ref={ref} {...props} />;
  }),
);
export const NavigationLink = createLink(
  forwardRef<HTMLAnchorElement, OfAnchor<NavLinkProps>>(function NavigationLink(props, ref) {
    return <NavLink ref={ref} {...props} />;
  }),
);
